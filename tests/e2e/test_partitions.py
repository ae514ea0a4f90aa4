"""Partitions, turned on, changed and off while a gateway of two workers serves."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType
from tests.binary import Cli
from tests.e2e.expectations import is_error
from tests.e2e.market import running_market

SETTING = "tokens.partitions"


@pytest.fixture(scope="module")
def market(tmp_path_factory, backend, sandbox_backend):
    home = tmp_path_factory.mktemp("market")
    with running_market(Cli(home), backend, sandbox_backend, "--workers", "2") as running:
        for domain in ("FOO.COM", "BAR.COM"):
            running.changer("create_userstore", domain=domain)
        yield running


@pytest.fixture
def stall(market):
    """Return a stall whose gateway knows of no partition, as at first."""
    yield market.stall()
    configure(market, None)


def configure(market, value):
    """Change the setting as an administrator would, who makes the tables by that."""
    verb = ("unset", SETTING) if value is None else ("set", SETTING, value)
    market.cli.ok("config", *verb)


def edit(market, value):
    """Change the setting as an editor would: nobody makes tables."""
    market.changer("configure", file=str(market.cli.config), key=SETTING, value=value)


def log_in(stall, *, name="FOO.COM/alice", partitions=""):
    """Return tokens that another process issued, by its own settings."""
    return stall.change("log_in", app=stall.name, name=name, partitions=partitions)


def letter(pair) -> str:
    """Return the partition that both tokens name."""
    named = {credentials.parse(pair[one]).partition for one in ("access_token", "refresh_token")}
    assert len(named) == 1, named
    return named.pop()


def outcome(answer) -> int:
    """Return 200, or the fault code."""
    return 200 if answer.status == 200 else answer.fault


def renewed(stall, pair) -> dict:
    answer = stall.refresh(pair["refresh_token"])
    assert answer.status == 200, answer.body
    return answer.json


STEPS = [
    ("A:foo.com", configure, "A"),
    ("B:foo.com, A:bar.com", edit, "B"),
    ("C:bar.com", configure, "0"),
    ("D:Foo.Com", edit, "D"),
    (None, configure, "0"),
]


def test_nothing_is_stranded_and_the_next_request_obeys(stall, market):
    # One log-in is renewed throughout, others are left where they were for the last step.
    travelling, left = log_in(stall), []
    user = market.user("FOO.COM")
    for value, change, where in STEPS:
        left += [log_in(stall, partitions=value or "") for _ in range(2)]
        change(market, value)
        left.append(stall.log_in(user))
        assert letter(left[-1]) == where
        old, travelling = travelling, renewed(stall, travelling)
        assert letter(travelling) == where
        assert outcome(stall.call(old["access_token"])) == 900904
        for pair in (travelling, *left):
            assert outcome(stall.call(pair["access_token"])) == 200
    assert {letter(pair) for pair in left} == {"A", "B", "0", "D"}
    for first, second, third in zip(left[::3], left[1::3], left[2::3], strict=True):
        assert letter(renewed(stall, first)) == "0"
        assert stall.ask(path="/revoke", token=second["access_token"]).status == 200
        stall.change("revoke", token=third["refresh_token"])
        assert [outcome(stall.call(pair["access_token"])) for pair in (first, second, third)] == (
            [900904] * 3
        )
        assert is_error(stall.refresh(second["refresh_token"]), 400, "invalid_grant")


def test_a_replay_ends_a_family_that_spans_partitions(stall, market):
    first = log_in(stall)
    edit(market, "A:foo.com")
    second = renewed(stall, first)
    edit(market, "E:foo.com")
    third = renewed(stall, second)
    assert [letter(pair) for pair in (first, second, third)] == ["0", "A", "E"]
    assert is_error(stall.refresh(second["refresh_token"]), 400, "invalid_grant")
    assert outcome(stall.call(third["access_token"])) == 900904
    assert is_error(stall.refresh(third["refresh_token"]), 400, "invalid_grant")


def test_other_tokens_stay_in_the_base_table(stall, market):
    configure(market, "A:foo.com")
    issued = stall.ask(grant_type="client_credentials").json["access_token"]
    assert credentials.parse(issued).partition == "0"
    assert letter(stall.log_in(market.user())) == "0"
    assert letter(renewed(stall, log_in(stall, name="BAR.COM/alice"))) == "0"


def test_many_first_tokens_of_a_partition_at_once(stall, market):
    pairs = [log_in(stall, name=f"FOO.COM/u{number}") for number in range(16)]
    edit(market, "Z:foo.com")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda pair: stall.refresh(pair["refresh_token"]), pairs))
    assert [answer.status for answer in answers] == [200] * len(pairs)
    assert {letter(answer.json) for answer in answers} == {"Z"}
    for answer in answers:
        assert outcome(stall.call(answer.json["access_token"])) == 200


def test_a_partition_that_is_not_there_is_an_unknown_token(stall):
    access, refresh = (
        credentials.encode(kind, KeyType.PRODUCTION, bytes(22), partition="Q")
        for kind in (Kind.ACCESS_TOKEN, Kind.REFRESH_TOKEN)
    )
    assert outcome(stall.call(access)) == 900901
    assert is_error(stall.refresh(refresh), 400, "invalid_grant")
    for text in (access, refresh):
        answer = stall.ask(path="/revoke", token=text)
        assert (answer.status, answer.json) == (200, {})
        assert stall.ask(path="/introspect", token=text).json == {"active": False}


def test_the_command_line_works_across(stall, market):
    cli = market.cli
    pairs = [log_in(stall), log_in(stall, partitions="A:foo.com")]
    listed = cli.data("token", "list", "--app", stall.name, "--partition", "A")
    assert [row["partition"] for row in listed] == ["A"]
    # The first tokens of both keys are in the base table, too.
    assert len(cli.data("token", "list", "--app", stall.name, "--partition", "0")) == 3
    assert len(cli.data("token", "list", "--app", stall.name)) == 4
    cli.ok("token", "revoke", "--id", listed[0]["id"])
    assert [outcome(stall.call(pair["access_token"])) for pair in pairs] == [200, 900904]
    pairs[1] = log_in(stall, partitions="A:foo.com")
    assert outcome(stall.call(pairs[1]["access_token"])) == 200
    revoked = cli.data("token", "revoke", "--app", stall.name, "--production", "--all")
    assert revoked == {"revoked": 3}
    assert [outcome(stall.call(pair["access_token"])) for pair in pairs] == [900904] * 2


def test_a_key_that_is_deleted_takes_its_tokens_from_every_partition(stall):
    pair = log_in(stall, partitions="A:foo.com")
    assert outcome(stall.call(pair["access_token"])) == 200
    stall.change("delete_key", app=stall.name)
    assert outcome(stall.call(pair["access_token"])) == 900901
