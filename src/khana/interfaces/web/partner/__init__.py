"""A partner's developer sees how her system's calls ended: codes with what to do, agreements, subscriptions; no content."""
