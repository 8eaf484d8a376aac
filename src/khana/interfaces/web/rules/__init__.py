"""The rule editor: write a rule, see at once what is wrong, who satisfies it, and why on one household."""
