"""Tests of reading what arrives in bulk."""
