"""Select under quota and budget; errors and incidence of targeting."""
