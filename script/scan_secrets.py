#!/usr/bin/env python3
"""Look for secrets in every file that is under version control, and in what is about to be.

Finds private keys, tokens of well-known services, JSON web tokens, passwords in addresses, and long random values that are
given a secret's name. What is no secret though it looks like one stands in `script/not_secrets.txt`, by its SHA-256, with a
reason. Needs no network. Ends with 1 and names file and line, never the value.
"""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ROOT / "script" / "not_secrets.txt"
PATTERNS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY-----\s*\n?[A-Za-z0-9+/=]{20,}"),
    "key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "token of a code host": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|glpat-[A-Za-z0-9_-]{20,}|pypi-[A-Za-z0-9_-]{40,}|npm_[A-Za-z0-9]{36})\b"
    ),
    "token of a chat": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}\b"),
    "web token": re.compile(r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}\b"),
    "password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>{}$]+:([^\s/@\"'<>{}$]{6,})@[a-z0-9]"),
}
NAMED = re.compile(
    r"(?i)(?:secret|passw(?:or)?d|token|api_?key|private_?key|credential)\w*[\"']?\s*[:=]\s*[bru]*[\"']([A-Za-z0-9+/=_\-]{20,})[\"']"
)
RANDOM = 3.7  # bits a letter: words of a language have fewer
TOO_BIG = 2_000_000


def entropy(text: str) -> float:
    """Return the bits of information a letter.

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) + 0.0


def find(text: str) -> list[tuple[int, str, str]]:
    """Return line, kind and value of everything in a text that looks like a secret."""
    found = []
    for kind, pattern in PATTERNS.items():
        found += [(text.count("\n", 0, m.start()) + 1, kind, m.group(m.lastindex or 0)) for m in pattern.finditer(text)]
    for match in NAMED.finditer(text):
        value = match.group(1)
        if entropy(value) >= RANDOM and any(letter.isdigit() for letter in value):
            found.append((text.count("\n", 0, match.start()) + 1, "random value with a secret's name", value))
    return found


def known() -> set[str]:
    """Return the hashes of what looks like a secret and is none."""
    if not KNOWN.exists():
        return set()
    return {line.split()[0] for line in KNOWN.read_text().splitlines() if line.strip() and not line.startswith("#")}


def files() -> list[Path]:
    """Return every file that is tracked or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name]


def main() -> int:
    """Scan; print what was found without its value."""
    harmless, wrong, seen = known(), 0, 0
    for path in files():
        if not path.is_file() or path.stat().st_size > TOO_BIG:
            continue
        if path.suffix in (".key", ".pem", ".p12", ".pfx", ".jks"):
            print(f"{path.relative_to(ROOT)}: a file of keys")
            wrong += 1
        seen += 1
        for line, kind, value in find(path.read_bytes().decode("utf-8", "ignore")):
            if (mark := hashlib.sha256(value.encode()).hexdigest()) not in harmless:
                print(f"{path.relative_to(ROOT)}:{line}: {kind} (sha256 {mark})")
                wrong += 1
    if not seen:
        print("no file was scanned")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
