"""After a whole life, no secret is in clear anywhere but where it was shown once."""

import re
import select
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from apimctl.store import SCHEMA_VERSION
from tests.binary import Cli
from tests.e2e.conftest import publish, running_gateway
from tests.e2e.market import Market, Stall
from tests.e2e.processes import workers
from tests.e2e.wire import Peer, Wire

PASSWORD = "correct horse battery staple"
IN_CLEAR = re.compile(rb"apim_(?:cs|at|rt|ac)[ps][0A-Z]_|eyJraWQiOiJhcGlt")


class Life:
    """What was done, and every secret that came of it."""

    def __init__(self, cli, backend):
        self.cli = cli
        self.backend = backend
        self.secrets = {PASSWORD}
        self.seen_by_others = b""
        self.bodies = b""

    def keep(self, answer: dict) -> dict:
        names = ("access_token", "refresh_token", "consumer_secret")
        self.secrets |= {answer[name] for name in names if answer.get(name)}
        return answer

    def with_secret_on_stdin(self, *arguments, secret):
        """Run a command, and look at it as another process can while it waits for the secret."""
        with self.cli.start(*arguments, "--json", stdin=-1) as process:
            self.look_at(process.pid)
            stdout, stderr = process.communicate(secret)
        assert process.returncode == 0, stderr
        return stdout

    def look_at(self, process_id):
        place = Path(f"/proc/{process_id}")
        # Just after its start the kernel has not put them in place yet.
        while not (arguments := (place / "cmdline").read_bytes()):
            select.select([], [], [], 0.001)
        self.seen_by_others += arguments + (place / "environ").read_bytes()

    def live(self):
        keys = [self.keep(self.cli.data("key", "generate", kind)) for kind in KINDS]
        self.with_secret_on_stdin("user", "create", "alice", "--password-stdin", secret=PASSWORD)
        publish(self.cli, self.backend, self.backend)
        with running_gateway(self.cli, "-v") as gateway:
            market = Market(self.cli, gateway, None, self.backend, self.backend)
            stall = Stall(market, "twitter", *keys)
            self.use(stall)
            self.misuse(stall)
            for process_id in (gateway.process.pid, *workers(gateway.process.pid)):
                self.look_at(process_id)
        self.log = gateway.stderr_path.read_bytes()

    def use(self, stall):
        tokens = self.keep(stall.ask(grant_type="client_credentials").json)
        assert stall.call(tokens["access_token"]).status == 200
        grant = {"grant_type": "password", "username": "alice", "password": PASSWORD}
        user_tokens = self.keep(stall.ask(**grant).json)
        renewed = self.keep(stall.refresh(user_tokens["refresh_token"]).json)
        assert stall.call(renewed["access_token"]).status == 200
        stdin = {"secret": renewed["refresh_token"]}
        self.with_secret_on_stdin("token", "inspect", "--token-stdin", secret=stall.token)
        self.with_secret_on_stdin("token", "revoke", "--token-stdin", **stdin)
        self.keep(self.cli.data("token", "renew"))
        self.keep(self.cli.data("key", "rotate"))
        self.replayed = (user_tokens, renewed)
        self.cli.ok("app", "update", "DefaultApplication", "--token-format", "jwt")
        signed = self.keep(self.cli.data("token", "renew"))["access_token"]
        assert stall.call(signed).status == 200
        assert stall.call(signed, rest=f"/{signed}?a={signed}").status == 200
        self.with_secret_on_stdin("token", "revoke", "--token-stdin", secret=signed)
        self.signed = signed

    def misuse(self, stall):
        """Make every refusal that could repeat what it was sent."""
        token = stall.token
        for answer in (
            stall.call(token),
            stall.call(self.signed),
            stall.call(self.signed[:-1]),
            stall.call(token[:-1]),
            stall.call(f"{token} {token}"),
            stall.call(headers=[("Authorization", f"Bearer {token}")] * 2),
            stall.call(headers={"Authorization": f"Basic {token}"}),
            stall.call(token, rest=f"/../{token}"),
            stall.market.gateway.get(f"/{token}/{token}"),
            stall.refresh(self.replayed[0]["refresh_token"]),
            stall.ask(grant_type=token, scope=token),
            stall.ask(grant_type="client_credentials", scope=token),
            stall.ask(client=(token, token), grant_type="client_credentials"),
            stall.ask(path="/revoke", token=token, token_type_hint=token),
            stall.ask(grant_type="password", username="alice", password=f"{PASSWORD}!"),
            stall.market.gateway.form(f"/token?{token}", token.encode()),
        ):
            self.bodies += answer.body + str(answer.headers).encode()
        wire = Wire(stall.market, stall, None)
        for sent in (
            wire.head(b"X: " + b"x" * 100_000),
            wire.head(b"X: " + token.encode() * 1_000),
            wire.head(b"Broken: \x00" + token.encode()),
            wire.head(token.encode()),
            wire.head(b"Content-Length: " + token.encode(), method=b"POST"),
            token.encode() + b" / HTTP/1.1\r\n\r\n",
            wire.head(target=b"/" + token.encode() * 1_000),
        ):
            client: Peer = wire.connect()
            client.send(sent)
            self.bodies += client.read_head()[0]
            client.close()


KINDS = ("--production", "--sandbox")


@pytest.fixture(scope="module")
def life(tmp_path_factory, backend):
    lived = Life(Cli(tmp_path_factory.mktemp("life")), backend)
    lived.live()
    with closing(sqlite3.connect(lived.cli.store)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    lived.cli.ok("db", "migrate")
    return lived


def assert_clean(life, data: bytes):
    assert not IN_CLEAR.search(data)
    for secret in life.secrets:
        assert secret.encode() not in data
        # Without its prefix it would be as good.
        rest = secret.rpartition("." if secret.startswith("eyJ") else "_")[2]
        assert rest.encode() not in data


def test_a_whole_life_has_many_secrets(life):
    assert len(life.secrets) == 13


def test_no_secret_is_in_a_file(life):
    files = [path for path in life.cli.home.rglob("*") if path.is_file()]
    assert any(".backup" in path.name for path in files)
    for path in files:
        assert_clean(life, path.read_bytes())


def test_no_secret_is_in_the_write_ahead_log_while_the_gateway_runs(cli, backend):
    life = Life(cli, backend)
    publish(cli, backend)
    with running_gateway(cli) as gateway:
        keys = [life.keep(cli.data("key", "generate", kind)) for kind in KINDS]
        stall = Stall(Market(cli, gateway, None, backend, backend), "twitter", *keys)
        life.keep(stall.ask(grant_type="client_credentials").json)
        found = {path.name: path for path in cli.store.parent.iterdir()}
        suffixes = ("", "-wal", "-shm", ".counters")
        assert set(found) == {f"apimctl.db{suffix}" for suffix in suffixes}
        assert found["apimctl.db-wal"].stat().st_size
        for path in found.values():
            assert_clean(life, path.read_bytes())
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_is_in_the_log_of_the_gateway(life):
    assert b"listening on" in life.log
    assert b"Traceback" not in life.log
    assert_clean(life, life.log)


def test_no_secret_is_in_a_refusal(life):
    assert life.bodies.count(b"fault") > 5
    assert_clean(life, life.bodies)


def test_no_secret_is_in_the_arguments_or_the_environment_of_a_process(life):
    assert life.seen_by_others.count(b"--token-stdin") == 3
    assert b"HOME=" in life.seen_by_others
    assert_clean(life, life.seen_by_others)


def test_only_the_owner_may_read_what_is_kept(life):
    store = life.cli.store
    assert stat.S_IMODE(store.parent.stat().st_mode) == 0o700
    kept = [path for path in store.parent.iterdir() if path.is_file()]
    assert kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
