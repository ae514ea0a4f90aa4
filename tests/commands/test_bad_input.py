"""The paragraph "Bad input" of the foundation, through the binary: the rules themselves have
their tables in tests/domain."""

import io
import os
import sqlite3
from contextlib import closing

import pytest

from apimctl.cli import run

URL = "http://127.0.0.1:9000"
CREATE = ("api", "create", "twitter")
WHERE = ("--context", "/twitter", "--version", "1.0.0")
TOO_LONG = "x" * 256


def create(*, name="twitter", context="/twitter", version="1.0.0", url=URL):
    return (
        *("api", "create", name, "--context", context, "--version", version),
        *("--production-url", url),
    )


def resource(*, api="there", method="GET", pattern="/x"):
    return ("api", "resource", "create", api, "--method", method, "--pattern", pattern)


URLS = [
    *(
        "127.0.0.1:9000",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "//host",
    ),
    *("http://user:secret@127.0.0.1", "http://secret@127.0.0.1", "http://127.0.0.1:99999"),
    *("http://127.0.0.1:http", "http://a b", "http://127.0.0.1/\n", "http://[::1", "x", " "),
    *("http://127.0.0.1/a?token=secret", "http://127.0.0.1/#x", "http://127.0.0.1/../x"),
]
CONTEXTS = [
    *("twitter", "/a b", "/../x", "/token", "/", "", "/a/", "//a", "/a?b", "/a%2fb", "/ä", "/a\nb"),
    *("/revoke", "/introspect", "/.well-known", "/./a", f"/{TOO_LONG}"),
]
VERSIONS = ["", "1/2", "..", "1 0", "1\n0", TOO_LONG]
NAMES = ["", "  ", "a\nb", "a\x1b[2Jb", "a\x7fb", "a\u2028b", TOO_LONG]
DOMAINS = [
    *("x.*", "*", "*.", "http://a.com", "a.com/path", "a b.com", "'a.com'", '"a.com"', "a..com"),
    *("a.com:0", "a.com:99999", "*.1.2.3.4", "example.com@evil.net", "a.com,*", "-a.com", "ä ö"),
    TOO_LONG,
]
PATTERNS = ["", "users", "/a//b", "/*/a", "/a*", "/{}", "/{a", "/a b", "/a?b", "/../x", "/ä", "/\n"]
METHODS = ["", "GTE", "CONNECT", "GET,POST"]
ORIGINS = [
    *(
        "app.example.com",
        "https://",
        "https://a.com/",
        "https://a.com/x",
        "null",
        "https://*.a.com",
    ),
    *("https://user:secret@a.com", "//a.com", "https://a b", "https://a.com,https://b.com", "x\ny"),
]
VALIDITIES = ["0", "0s", "1.5", "1.5h", "abc", "", "1h x", "36526d", "9" * 30, "1d-1h", "٣"]

INVALID = [
    *(create(url=url) for url in URLS),
    *(create(context=context) for context in CONTEXTS),
    *(create(version=version) for version in VERSIONS),
    *(create(name=name) for name in [*NAMES, "a:b", "a/b"]),
    create(url=""),
    (*CREATE, *WHERE),
    *(("app", "create", name) for name in NAMES),
    ("app", "create", "shop", "--callback-url", "ftp://x"),
    ("app", "create", "shop", "--description", "a\nb"),
    ("app", "create", "shop", "--description", "x" * 2000),
    *(("tier", "create", name, "--requests", "1", "--per", "1m") for name in NAMES),
    *(("user", "create", name, "--password-stdin") for name in [*NAMES, "a:b", "PRIMARY/a/b"]),
    *(("key", "generate", "--domains", domains) for domains in DOMAINS),
    *((*create(), "--cors-origin", origin) for origin in ORIGINS),
    (*create(), "--cors-origin", "*", "--cors-origin", "https://a.com"),
    (*create(), "--cors-origin", "*", "--cors-credentials"),
    (*create(), "--cors-credentials"),
    *(resource(pattern=pattern) for pattern in PATTERNS),
    *(resource(method=method) for method in METHODS),
]
WRONG_USAGE = [
    (*resource(), "--auth-type", "Some"),
    *(("key", "generate", "--validity", validity) for validity in VALIDITIES),
    ("token", "renew", "--grace", "1.5"),
    ("tier", "create", "Mine", "--requests", "1", "--per", "0"),
]
UNKNOWN = [
    ("api", "show", "x"),
    ("app", "show", "x"),
    ("user", "show", "x"),
    ("tier", "show", "x"),
    (*resource(), "--tier", "x"),
    resource(api="x"),
    ("api", "resource", "show", "there", "--pattern", "/x"),
    ("api", "resource", "delete", "there", "--pattern", "/x", "--yes"),
    ("config", "get", "x"),
    ("key", "generate", "--app", "x"),
    ("subscription", "create", "--api", "x"),
    ("app", "create", "x", "--owner", "x"),
    ("app", "create", "x", "--tier", "x"),
    ("token", "revoke", "--id", "x"),
]
CASES = [
    *((6, arguments) for arguments in INVALID),
    *((2, arguments) for arguments in WRONG_USAGE),
    *((3, arguments) for arguments in UNKNOWN),
]


def in_short(case):
    return " ".join(str(part)[:20] for part in case[1])


def check(code, expected, stdout, stderr):
    assert (code, stdout) == (expected, "")
    lines = [line for line in stderr.splitlines() if not line.startswith("made the store")]
    assert len(lines) == 2, stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint:  ")
    assert len(lines[0]) < 600
    assert "unexpected" not in lines[0]
    assert not set(stderr) & {"\x1b", "\x7f", "\x00", "\u2028"}
    assert "secret" not in stderr


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    """Make one store for all cases, with an API in it: none of them may change it."""
    path = tmp_path_factory.mktemp("bad") / "apimctl.db"
    made = (*create(name="there", context="/there"), "--db", str(path))
    assert run(made) == 0
    return path


@pytest.mark.parametrize("case", CASES, ids=in_short)
def test_bad_input_is_one_clear_line_and_writes_nothing(case, shared_store, capsys, monkeypatch):
    expected, arguments = case
    monkeypatch.setenv("APIMCTL_DB", str(shared_store))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a secret")))
    with closing(sqlite3.connect(shared_store)) as connection:
        before = list(connection.iterdump())
        code = run(arguments)
        check(code, expected, *capsys.readouterr())
        assert list(connection.iterdump()) == before


@pytest.mark.parametrize("case", CASES[::12], ids=in_short)
def test_bad_input_through_the_binary(case, cli, dump):
    expected, arguments = case
    cli.ok(*create(name="there", context="/there"))
    before = dump()
    result = cli(*arguments, stdin="a secret")
    check(result.code, expected, result.stdout, result.stderr)
    assert dump() == before


CLASHES = [
    create(),
    create(name="other", version="2.0.0"),
    (*create(name="other", context="/twitter/1.0.0", version="x"), "--default"),
    create(context="/tw", version="2.0.0"),
]


@pytest.mark.parametrize("arguments", CLASHES)
def test_a_clash_is_a_conflict_and_writes_nothing(cli, api, dump, arguments):
    before = dump()
    result = cli(*arguments)
    check(result.code, 5, result.stdout, result.stderr)
    assert dump() == before


def test_bytes_that_are_no_text_are_refused(cli):
    result = cli("app", "create", os.fsdecode(b"\xff\xfe"))
    check(result.code, 2, result.stdout, result.stderr)


def bad_stores(folder):
    (folder / "notes.txt").write_text("no database " * 100)
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE bookmark (url)")
    os.mkfifo(folder / "pipe")
    return {
        folder: "is a folder",
        folder / "notes.txt": "is not a database",
        folder / "other.db": "another program",
        folder / "notes.txt" / "apimctl.db": "is not a folder",
        folder / "pipe": "is a device, a pipe or a socket",
        folder / ("x" * 300): "too long",
    }


def test_a_store_that_cannot_be_is_refused_by_reads_and_writes(cli, tmp_path):
    for path, said in bad_stores(tmp_path).items():
        for arguments in (("app", "list"), ("key", "generate"), ("key", "generate", "--dry-run")):
            result = cli(*arguments, "--db", path)
            check(result.code, 7, result.stdout, result.stderr)
            assert said in result.stderr
    assert (tmp_path / "notes.txt").read_text().startswith("no database")


def test_a_store_error_is_json_for_a_program(cli, tmp_path):
    result = cli("app", "list", "--json", "--db", tmp_path)
    assert (result.code, result.stdout) == (7, "")
    assert result.error["code"] == "store_unreadable"
