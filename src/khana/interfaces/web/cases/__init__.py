"""What people say is wrong in their own files: the officer's list of cases, by the day on which each is due."""
