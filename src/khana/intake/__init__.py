"""Forms, submissions, findings and spot checks: how a household comes in.

Receives, checks, returns. A stranger to `linkage`.
"""
