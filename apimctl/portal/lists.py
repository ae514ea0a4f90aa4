"""Lists with a search and pages: what is asked for."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from apimctl.portal.visits import Visit

MOST_DIGITS = 9
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for: a text to be found, and the number of the page."""

    q: str
    page: int

    @classmethod
    def of(cls, visit: Visit) -> Self:
        """Read it from the address, or from the form where one of the list's is sent."""
        asked = visit.query or visit.fields
        page = read_number(asked.get("page", ""), most_digits=MOST_DIGITS)
        return cls(asked.get("q", "").strip()[:LONGEST_SEARCH], 1 if page is None else page)

    @property
    def query(self) -> str:
        """The query that asks for it, with its question mark; empty for all of the list."""
        named = {"q": self.q, "page": str(self.page) if self.page > 1 else ""}
        asked = urlencode({name: text for name, text in named.items() if text})
        return f"?{asked}" if asked else ""


def read_number(text: str, *, most_digits: int) -> int | None:
    """Return a whole number that is not negative, None for what is none or has more digits."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= most_digits
    return int(text) if is_number else None
