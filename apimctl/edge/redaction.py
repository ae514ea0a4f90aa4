"""What may not stand in a log: credentials, wherever a client put them.

A credential is found by its prefix, or by its letters and its length where the prefix is mistyped;
also percent-encoded, and more than once. A JWT counts as one, whoever signed it. The secret
parameters of OAuth 2 lose their values whatever those look like. Rather too much is taken out than
too little.
"""

import re
import traceback
from pathlib import Path

from apimctl.domain import credentials

REDACTED = "[redacted]"
SECRET_PARAMETERS = (
    "access_token",
    "token",
    "client_secret",
    "password",
    "refresh_token",
    "code",
    "code_verifier",
)


def redact(text: str) -> str:
    """Return the text without credentials of ours and without the values of `SECRET_PARAMETERS`."""
    # Most texts hold nothing that could begin one; to see that costs a tenth of the search.
    if "=" in text or "%" in text:
        text = _PARAMETER.sub(_keep_name, text)
    if _SUSPECT.search(text) or credentials.PREFIX in text.lower():
        text = _CREDENTIAL.sub(REDACTED, text)
    return text


def place_of(error: BaseException) -> str:
    """Return where an error was raised, without its values: they may be secrets."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


def _keep_name(found: re.Match[str]) -> str:
    return found["name"] + REDACTED


def _spelled(word: str) -> str:
    """Return a pattern of the word, each letter as it is or percent-encoded, however often."""
    return "".join(rf"(?:{re.escape(letter)}|%(?:25)*{ord(letter):02x})" for letter in word)


_SUSPECT = re.compile(r"[0-9A-Za-z]{20}|%", re.ASCII)
_PARAMETER = re.compile(
    # No part of a longer word, also in an encoded URL within the text.
    r"(?P<name>(?:(?<![\w-])|%(?:25)*(?:20|23|26|2f|3b|3f))"
    rf"(?:{'|'.join(map(_spelled, SECRET_PARAMETERS))}){_spelled(']')}?{_spelled('=')})[^&]*",
    re.ASCII | re.IGNORECASE,
)
_CREDENTIAL = re.compile(
    # Its prefix, and what follows in one piece.
    rf"{_spelled(credentials.PREFIX)}[^/?&=;,#\s\"'<>]*"
    # Kind, environment, partition, and most of its digits.
    rf"|(?:ck|cs|at|rt|ac)[ps][0A-Z]{_spelled('_')}[0-9A-Za-z]{{20,}}"
    # As many digits as it has.
    r"|(?<![0-9A-Za-z])[0-9A-Za-z]{36}(?![0-9A-Za-z])"
    # A JWT: what its first part begins with, or three parts.
    rf"|{_spelled('eyJ')}(?:[\w.-]|%[0-9a-f]{{2}}){{16,}}+"
    rf"|(?<![\w-])[\w-]{{16,}}+{_spelled('.')}[\w-]{{16,}}+{_spelled('.')}[\w-]*+",
    re.ASCII | re.IGNORECASE,
)
