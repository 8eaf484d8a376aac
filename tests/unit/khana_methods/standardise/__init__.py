"""Tests of bringing what arrives to one form."""
