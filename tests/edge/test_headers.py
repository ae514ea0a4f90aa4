from hypothesis import given
from hypothesis import strategies as st

from apimctl.edge.headers import (
    HOP_BY_HOP,
    NOT_TO_BACKEND,
    NOT_TO_BACKEND_WITH_TOKEN,
    end_to_end,
    spellings,
)


def lines(*pairs, without=HOP_BY_HOP) -> list[bytes]:
    """Return the lines that go on."""
    return b"".join(end_to_end(pairs, without=without)).split(b"\r\n")[:-1]


def test_headers_go_on_in_order_with_their_repeats_and_their_spelling():
    pairs = [(b"X-B", b"2"), (b"x-a", b"1"), (b"X-B", b""), (b"X-C", "é".encode("latin-1"))]
    assert lines(*pairs) == [b"X-B: 2", b"x-a: 1", b"X-B: ", b"X-C: \xe9"]


def test_hop_by_hop_headers_stay_behind_however_they_are_spelt():
    pairs = [(name.upper(), b"x") for name in HOP_BY_HOP - {b"connection"}]
    assert lines(*pairs, (b"Via", b"1.1 a")) == [b"Via: 1.1 a"]


def test_what_connection_names_stays_behind_wherever_it_stands():
    assert lines(
        (b"X-Hop", b"1"),
        (b"Connection", b"x-hop , , CLOSE"),
        (b"cOnNection", b"X-Other"),
        (b"x-other", b"2"),
        (b"X-Kept", b"3"),
    ) == [b"X-Kept: 3"]


def test_connection_does_not_name_away_what_framing_routing_and_admission_rest_on():
    pairs = [(b"Host", b"a"), (b"Content-Length", b"1"), (b"Authorization", b"Bearer x")]
    named = (b"Connection", b"host, Content-Length, authorization")
    assert lines(named, *pairs) == [b"Host: a", b"Content-Length: 1", b"Authorization: Bearer x"]


def test_the_backend_gets_neither_host_nor_expectation_and_the_token_only_if_told_to():
    pairs = [(b"Host", b"a"), (b"Expect", b"100-continue"), (b"Authorization", b"Bearer x")]
    assert lines(*pairs, without=NOT_TO_BACKEND) == [b"Authorization: Bearer x"]
    assert lines(*pairs, without=NOT_TO_BACKEND_WITH_TOKEN) == []


def test_a_name_has_the_spellings_that_cgi_takes_for_it():
    assert spellings(b"x-a", b"y") == {b"x-a", b"x_a", b"x.a", b"y"}
    assert spellings(b"a-b-c") >= {b"a_b-c", b"a-b_c", b"a.b_c"}
    assert len(spellings(b"x-forwarded-for")) == 9


def test_the_backend_gets_no_forwarding_header_of_the_clients_however_it_is_spelt():
    names = [b"X_Forwarded_For", b"x-forwarded_PROTO", b"X.Forwarded.Host", b"Forwarded"]
    pairs = [(name, b"x") for name in names]
    assert lines(*pairs, (b"X_Other", b"y"), without=NOT_TO_BACKEND) == [b"X_Other: y"]


def test_nothing_is_made_of_nothing():
    assert end_to_end((), without=HOP_BY_HOP) == []
    assert lines((b"Connection", b"")) == []


NAMES = st.sampled_from([b"Connection", b"Host", b"TE", b"X-A", b"x-a", b"X-B", b"Content-Length"])
VALUES = st.sampled_from([b"", b"x-a", b"X-B, te", b"close", b"content-length,x-a", b"keep-alive"])


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_what_goes_on_is_some_of_what_came_in_its_order(pairs):
    came = iter([name + b": " + value for name, value in pairs])
    kept = lines(*pairs)
    assert all(line in came for line in kept)
    assert not {line.partition(b":")[0].lower() for line in kept} & HOP_BY_HOP
    lengths = [value for name, value in pairs if name == b"Content-Length"]
    assert [line for line in kept if line.startswith(b"Content-Length")] == [
        b"Content-Length: " + value for value in lengths
    ]
