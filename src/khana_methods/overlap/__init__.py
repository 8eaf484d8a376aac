"""Compare programme lists: links, findings, overlaps, the cap, who is served by nothing."""
