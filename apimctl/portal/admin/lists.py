"""Lists with a search and pages: what is asked for, and where the pages beside this one are."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from apimctl.portal.visits import Visit
from apimctl.services.overview import Slice

MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of a list, and the query that shows it; `next` and `previous` are None at the ends."""

    part: Slice[Any]
    query: dict[str, str]

    @property
    def next(self) -> str | None:
        """The query of the next page."""
        return self._query_of(self.part.page + 1) if self.part.page < self.part.pages else None

    @property
    def previous(self) -> str | None:
        """The query of the page before."""
        return self._query_of(self.part.page - 1) if self.part.page > 1 else None

    def _query_of(self, page: int) -> str:
        return urlencode({name: text for name, text in self.query.items() if text} | {"page": page})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for: a text to be found, and the number of the page."""

    q: str
    page: int

    @classmethod
    def of(cls, visit: Visit) -> Self:
        """Read it from the address, from the form where one of the list's forms is sent."""
        asked = visit.query or visit.fields
        page = asked.get("page", "")
        is_number = page.isascii() and page.isdecimal() and len(page) <= MOST_DIGITS
        return cls(asked.get("q", "").strip(), int(page) if is_number else 1)
