"""The id of a request: the client's ``X-Request-ID``, or one of the gateway's own."""

import itertools
import re
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

HEADER = "X-Request-ID"
LONGEST = 128

_HEADER_BYTES = HEADER.encode()
_PREFIX_BYTES = 8
_USABLE = re.compile(rf"[!-~]{{1,{LONGEST}}}")


class RequestId(NamedTuple):
    """The id that logs and answers of the gateway's own name.

    `own_header` is the line that the backend gets, None where it gets the client's.
    """

    text: str
    own_header: tuple[bytes, bytes] | None


NAMELESS = RequestId("", None)


class RequestIds:
    """Gives ids to the requests of one process. No other process, now or later, gives the same."""

    def __init__(self, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Choose a prefix. Not before a fork: the child would choose the same."""
        self._prefix = random(_PREFIX_BYTES).hex()
        self._numbers = itertools.count(1)

    def choose(self, sent: Sequence[str]) -> RequestId:
        """Return the id of a request that came with these values of ``X-Request-ID``.

        What the client sent goes on to the backend untouched. It is also the id, if it is one of
        at most `LONGEST` visible ASCII characters.
        """
        if len(sent) == 1 and _USABLE.fullmatch(sent[0]):
            return RequestId(sent[0], None)
        text = f"{self._prefix}-{next(self._numbers):x}"
        return RequestId(text, None if sent else (_HEADER_BYTES, text.encode()))
