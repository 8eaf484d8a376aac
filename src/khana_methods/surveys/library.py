"""The manners of the survey library: its warnings and log lines may show rows, so ours are given in their place."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import svy


@contextmanager
def quiet() -> Iterator[None]:
    """Ask the library something without its talk on the screen; errors still come through."""
    log = logging.getLogger("svy")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", svy.errors.SvyUserWarning)
            yield
    finally:
        log.setLevel(before)
