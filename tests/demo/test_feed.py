import datetime as dt
import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.demo.feed import ENTRIES, Entry, render_atom, render_json, search

ATOM = "{http://www.w3.org/2005/Atom}"


def test_there_are_a_few_hundred_entries_and_no_two_the_same():
    assert len(ENTRIES) == 300
    assert len({entry.id for entry in ENTRIES}) == len({entry.title for entry in ENTRIES}) == 300
    assert ENTRIES[-1] == Entry(
        id="tag:example.org,2014:sighting/0",
        title="A cat asleep in the orchard",
        author="Maud Arden",
        published="2014-06-02T06:00:00Z",
        summary="It did not mind being looked at.",
    )


def test_the_newest_come_first():
    published = [dt.datetime.fromisoformat(entry.published) for entry in ENTRIES]
    assert published == sorted(published, reverse=True)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("cat", 25),
        ("CAT", 25),
        ("cat asleep", 5),
        ("asleep  cat orchard", 1),
        ("harb", 60),
        ("cat owl", 0),
        ("at", 156),
        ("tanaka", 50),
        ("unicorn", 0),
        ("", 300),
        ("?!", 300),
    ],
)
def test_a_search_finds_what_holds_every_word_or_its_beginning(query, count):
    assert len(search(query)) == count


def test_an_owl_has_its_article():
    assert {entry.title.split()[0] for entry in search("owl")} == {"An"}
    assert {entry.title.split()[0] for entry in search("cat")} == {"A"}


def test_atom_has_what_rfc_4287_requires():
    feed = ET.fromstring(render_atom("cat", search("cat"), environment="sandbox"))
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}title") == "Sightings of 'cat' (sandbox)"
    assert feed.findtext(f"{ATOM}id") == "tag:example.org,2014:sandbox/search?q=cat"
    assert feed.find(f"{ATOM}link").attrib == {
        "rel": "self",
        "type": "application/atom+xml",
        "href": "search.atom?q=cat",
    }
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 25
    for entry in [feed, *entries]:
        assert dt.datetime.fromisoformat(entry.findtext(f"{ATOM}updated")).tzinfo
        assert entry.findtext(f"{ATOM}id")
        assert entry.findtext(f"{ATOM}title")
    for entry in entries:
        assert entry.findtext(f"{ATOM}author/{ATOM}name")
        assert entry.find(f"{ATOM}content").attrib == {"type": "text"}


def test_a_feed_of_nothing_is_a_feed():
    feed = ET.fromstring(render_atom("unicorn", (), environment="production"))
    assert feed.findall(f"{ATOM}entry") == []
    assert feed.findtext(f"{ATOM}updated") == ENTRIES[0].published


@given(st.text() | st.text(st.characters(categories=["Cc", "Cs", "Po", "Sm"])))
def test_no_query_breaks_the_xml(query):
    feed = ET.fromstring(render_atom(query, search(query), environment="production"))
    assert "(production)" in feed.findtext(f"{ATOM}title")


@given(st.text())
def test_no_word_of_an_entry_breaks_the_xml(text):
    entry = Entry("tag:example.org,2014:x", text, text, "2014-06-02T06:00:00Z", text)
    feed = ET.fromstring(render_atom("", [entry], environment="production"))
    assert len(feed.findall(f"{ATOM}entry")) == 1


def test_json_says_the_same():
    content = json.loads(render_json("cat", search("cat"), environment="production"))
    assert content["title"] == "Sightings of 'cat' (production)"
    assert (content["environment"], content["query"], content["count"]) == ("production", "cat", 25)
    assert content["entries"][-1] == {
        "id": "tag:example.org,2014:sighting/0",
        "title": "A cat asleep in the orchard",
        "author": "Maud Arden",
        "published": "2014-06-02T06:00:00Z",
        "summary": "It did not mind being looked at.",
    }
