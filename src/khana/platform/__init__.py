"""Clock, outbox, stored files, key ring, job queue, embedded database.

No domain word appears here.
"""
