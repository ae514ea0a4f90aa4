"""What the demo's backend knows: a few hundred sightings, made of four small word tables.

Nothing here is random: the same query has the same answer on every machine, on every day.
"""

import datetime as dt
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

ATOM_TYPE = "application/atom+xml"
JSON_TYPE = "application/json"

_ANIMALS = (
    "cat",
    "owl",
    "dog",
    "otter",
    "fox",
    "heron",
    "hedgehog",
    "wren",
    "badger",
    "hare",
    "toad",
    "swan",
)
_DEEDS = ("asleep", "at breakfast", "watching the rain", "on its way home", "in no hurry at all")
_PLACES = (
    "in the orchard",
    "by the harbour",
    "under the old bridge",
    "behind the library",
    "at the edge of the wood",
)
_AUTHORS = ("Maud Arden", "Lewis Okafor", "Signe Lindqvist", "Ren Tanaka", "Ines Duarte", "Tom Bly")
_REMARKS = (
    "It did not mind being looked at.",
    "The camera was too slow.",
    "Two children waved; it waved not.",
    "Seen again an hour later, same spot.",
    "The bells rang and it stayed.",
    "Everyone on the path stopped to look.",
    "It was gone before the tea was ready.",
)
_FIRST_AT = dt.datetime(2014, 6, 2, 6, 0, tzinfo=dt.UTC)
_APART = dt.timedelta(hours=7)

_WORD = re.compile(r"\w+")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not (section 2.2)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One sighting. `published` is UTC, as RFC 3339 writes it."""

    id: str
    title: str
    author: str
    published: str
    summary: str


def _make_entries() -> tuple[Entry, ...]:
    sightings = enumerate(itertools.product(_DEEDS, _PLACES, _ANIMALS))
    made = [
        Entry(
            id=f"tag:example.org,2014:sighting/{number}",
            title=f"{'An' if animal[0] in 'aeiou' else 'A'} {animal} {deed} {place}",
            author=_AUTHORS[number % len(_AUTHORS)],
            published=f"{_FIRST_AT + number * _APART:%Y-%m-%dT%H:%M:%SZ}",
            summary=_REMARKS[number % len(_REMARKS)],
        )
        for number, (deed, place, animal) in sightings
    ]
    return tuple(reversed(made))


ENTRIES = _make_entries()
"""All of them, the newest first."""


def search(query: str) -> tuple[Entry, ...]:
    """Return the entries that hold every word of the query or a word that begins with it.

    An empty query finds all.
    """
    wanted = _words(query)
    return tuple(
        entry
        for entry in ENTRIES
        if all(
            any(word.startswith(beginning) for word in _words(f"{entry.title} {entry.author}"))
            for beginning in wanted
        )
    )


def render_atom(query: str, entries: Sequence[Entry], *, environment: str) -> bytes:
    """Return an Atom feed (RFC 4287) of these entries; its title names the environment."""
    updated = entries[0].published if entries else ENTRIES[0].published
    encoded = quote(query, safe="", errors="replace")
    feed_id = f"tag:example.org,2014:{environment}/search?q={encoded}"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"  <title>{_text(_title(query, environment))}</title>",
        f"  <id>{_text(feed_id)}</id>",
        f"  <updated>{updated}</updated>",
        f'  <link rel="self" type="{ATOM_TYPE}" href="search.atom?q={encoded}"/>',
    ]
    for entry in entries:
        lines += [
            "  <entry>",
            f"    <title>{_text(entry.title)}</title>",
            f"    <id>{_text(entry.id)}</id>",
            f"    <author><name>{_text(entry.author)}</name></author>",
            f"    <published>{entry.published}</published>",
            f"    <updated>{entry.published}</updated>",
            f'    <content type="text">{_text(entry.summary)}</content>',
            "  </entry>",
        ]
    return "\n".join([*lines, "</feed>", ""]).encode()


def render_json(query: str, entries: Sequence[Entry], *, environment: str) -> bytes:
    """Return the same as JSON."""
    content = {
        "title": _title(query, environment),
        "environment": environment,
        "query": query,
        "count": len(entries),
        "entries": [asdict(entry) for entry in entries],
    }
    return json.dumps(content, indent=2).encode()


def _title(query: str, environment: str) -> str:
    return f"Sightings of {query!r} ({environment})" if query else f"All sightings ({environment})"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
