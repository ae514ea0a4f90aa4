import json
import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from apimctl import __version__, cli
from apimctl.cli import NOUNS, _wants_json, root

HEAVY = (
    "aiohttp",
    "authlib",
    "rich",
    "sqlite_utils",
    "tomlkit",
    "argon2",
    "sqlite3",
    "prometheus_client",
)
IMPORTS = f"""
import json, sys
from apimctl.cli import run
codes = [run([*noun, "--help"]) for noun in json.loads(sys.argv[1])]
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.stderr.write(json.dumps([codes, heavy]))
"""


def commands():
    """Return every command as (words, command), the nouns and the root too."""
    context = root().make_context("apimctl", ["--version"], resilient_parsing=True)
    found = [((), context.command)]
    for name in NOUNS:
        found += below((name,), context.command.get_command(context, name))
    return found


def below(words, command):
    found = [(words, command)]
    for verb, inner in getattr(command, "commands", {}).items():
        found += below((*words, verb), inner)
    return found


def imported_by(*lines):
    process = subprocess.run(
        [sys.executable, "-c", IMPORTS, json.dumps(lines)],
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stderr)


def test_root_help_imports_nothing_heavy_and_no_noun():
    assert imported_by([]) == [[0], []]


def test_the_help_of_every_command_imports_nothing_heavy():
    words = [list(words) for words, _ in commands()]
    assert imported_by(*words) == [[0] * len(words), []]


@pytest.mark.parametrize("noun", NOUNS)
def test_the_help_of_a_noun_is_what_the_root_says_of_it(noun):
    ((_, command),) = [found for found in commands() if found[0] == (noun,)]
    summary = (command.help or "").splitlines()[0]
    if hasattr(command, "commands"):
        assert summary == NOUNS[noun]
    assert summary.endswith(".")


def test_every_command_and_every_option_has_a_help():
    for words, command in commands():
        assert command.help, words
        for parameter in command.params:
            assert parameter.help, (words, parameter.name)


def test_every_command_that_writes_can_be_tried_without_writing():
    reads = {"list", "show", "get", "inspect", "check", "test", "status", "routes", "serve", "demo"}
    for words, command in commands():
        options = {name for parameter in command.params for name in parameter.opts}
        if words and not hasattr(command, "commands") and words[-1] not in reads:
            assert "--dry-run" in options, words
        assert ("--yes" in options) == (words[-1:] == ("delete",)), words


def test_no_secret_can_be_an_argument():
    for words, command in commands():
        for parameter in command.params:
            for option in parameter.opts:
                names_a_secret = any(word in option for word in ("password", "secret", "token"))
                if names_a_secret and option != "--token-format":
                    assert option.endswith("-stdin"), (words, option)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_the_root_help_shows_every_noun(arguments, capsys):
    assert cli.run(arguments) == 0
    stdout, stderr = capsys.readouterr()
    assert stderr == ""
    assert stdout.startswith("Usage: apimctl")
    for noun, summary in NOUNS.items():
        assert f"  {noun} " in stdout
        assert summary.split()[0] in stdout
    assert "Global options:" in stdout


@pytest.mark.parametrize("arguments", [["key"], ["key", "--help"], ["key", "-h"]])
def test_a_noun_alone_shows_its_verbs_in_whole_sentences(arguments, capsys):
    assert cli.run(arguments) == 0
    stdout = capsys.readouterr().out
    assert stdout.startswith("Usage: apimctl key")
    assert "..." not in stdout.replace("[ARGS]...", "")
    assert "rotate    Make a new consumer secret." in stdout


def test_the_version(capsys):
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"apimctl {__version__}\n"


USAGE_ERRORS = [
    (["kye"], "No such command 'kye'. Did you mean 'key'?", "apimctl --help"),
    (["tok", "list"], "No such command 'tok'. Did you mean 'token'?", "apimctl --help"),
    (
        ["key", "genrate"],
        "No such command 'genrate'. Did you mean 'generate'",
        "apimctl key --help",
    ),
    (["key", "list", "--jsn"], "--jsn", "apimctl key list --help"),
    (["key", "list", "more"], "unexpected extra argument", "apimctl key list --help"),
    (["key", "list", "--app"], "Option '--app' requires an argument", "apimctl key list --help"),
    (["app", "show"], "Missing argument 'NAME'", "apimctl app show --help"),
    (["api", "create", "x"], "Missing option '--context'", "apimctl api create --help"),
    (["tier", "create", "x", "--requests", "many"], "'many' is not a valid int", "tier create"),
    (["token", "list", "--limit", "0"], "0 is not in the range", "apimctl token list --help"),
    (["--quiet"], "there is no command", "apimctl --help"),
    (["key", "--quiet"], "Missing command", "apimctl key --help"),
    (["--nope"], "No such option: --nope", "apimctl --help"),
    (["--db", "", "key", "list"], "--db is empty", "leave the option out"),
    (["app", "show", "\udcff"], "the argument '\\udcff' is not UTF-8", "locale"),
    (["key", "list", "--format", "xml"], "there is no format 'xml'", "table, json, csv"),
    (["key", "show", "--sandbox", "--production"], "exclude each other", "once for each"),
]


@pytest.mark.parametrize(("arguments", "message", "hint"), USAGE_ERRORS)
def test_a_wrong_command_line_is_explained(arguments, message, hint, capsys):
    assert cli.run(arguments) == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    said, hinted = stderr.splitlines()
    assert said.startswith("error: ")
    assert message in said
    assert hinted.startswith("hint:  ")
    assert hint in hinted


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "kye"],
        ["key", "list", "--jsn", "--json"],
        ["key", "list", "--jsn", "--format", "json"],
        ["key", "list", "--jsn", "--format=json"],
        ["key", "list", "--json", "--format", "csv"],
    ],
)
def test_an_error_is_json_for_who_asked_for_json_even_if_nothing_can_be_parsed(arguments, capsys):
    assert cli.run(arguments) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert list(error) == ["code", "message", "hint"]
    assert error["code"] == "usage"


@pytest.mark.parametrize("arguments", [["key", "list"], ["--format", "csv"], ["app", "json"], []])
def test_nobody_gets_json_unasked(arguments):
    assert not _wants_json(arguments)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_global_options_stand_anywhere_on_the_line(place, tmp_path, capsys):
    line = ["app", "list"]
    path = tmp_path / "here.db"
    line[place:place] = ["--db", str(path), "--json", "-q"]
    assert cli.run(line) == 0
    stdout, stderr = capsys.readouterr()
    assert [row["name"] for row in json.loads(stdout)] == ["DefaultApplication"]
    assert stderr == ""
    assert path.exists()


@pytest.fixture
def defect(store, store_path):
    """Make every new application fail in a way that no command expects."""
    with store.transaction() as db:
        db.execute(
            "CREATE TRIGGER defect BEFORE INSERT ON application"
            " BEGIN SELECT RAISE(ABORT, 'kaput'); END"
        )
    return ["--db", str(store_path), "app", "create", "shop"]


def test_an_unexpected_error_is_one_line_without_traceback(defect, capsys):
    assert cli.run(defect) == 1
    said, hinted = capsys.readouterr().err.splitlines()
    assert said == "error: unexpected IntegrityError: kaput"
    assert "APIMCTL_DEBUG=1" in hinted


def test_an_unexpected_error_shows_where_it_happened_to_who_asks(defect, monkeypatch):
    monkeypatch.setenv("APIMCTL_DEBUG", "1")
    with pytest.raises(sqlite3.IntegrityError, match="kaput"):
        cli.run(defect)


def test_the_module_is_the_command_too():
    process = subprocess.run(
        [sys.executable, "-m", "apimctl", "--version"], capture_output=True, text=True, check=True
    )
    assert process.stdout == f"apimctl {__version__}\n"


@pytest.mark.parametrize("arguments", [["config", "list", "--json"], ["--help"]])
def test_a_reader_that_leaves_is_no_error(cli, arguments):
    with cli.start(*arguments) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_a_reader_that_leaves_in_the_middle_of_much_is_no_error(cli):
    cli.environment["PYTHONUNBUFFERED"] = "1"
    with cli.start("config", "list", "--json") as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_a_full_disk_behind_stdout_is_one_line(cli):
    with open("/dev/full", "w") as full, cli.start("config", "list", stdout=full) as process:  # noqa: PTH123
        stderr = process.stderr.read()
        assert process.wait(60) == 1
    assert stderr == "error: the system refused: [Errno 28] No space left on device\n"


def test_a_letter_that_stdout_cannot_write_is_escaped(cli):
    cli.environment["PYTHONIOENCODING"] = "ascii"
    assert "name \\u65e5\\u672c" in " ".join(cli.ok("app", "create", "日本").stdout.split())
    assert cli.data("app", "show", "日本")["name"] == "日本"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_stream_that_is_closed_is_as_an_empty_one(cli, closed):
    command = f"apimctl key generate --sandbox --json {closed}"
    process = subprocess.run(
        ["sh", "-c", command], env=cli.environ(), capture_output=True, text=True, check=True
    )
    assert "Traceback" not in process.stderr
    if closed != ">&-":
        assert json.loads(process.stdout)["key_type"] == "SANDBOX"


def test_ctrl_c_at_a_question_ends_with_130(cli):
    cli.ok("app", "create", "shop")
    code, seen = cli.at_terminal("app", "delete", "shop", answers=[("[y/N] ", "\x03")])
    assert code == 130
    assert seen.endswith("[y/N] ^C\ninterrupted\n")
    assert cli.ok("app", "list", "--format", "value").stdout == "DefaultApplication\nshop\n"


def test_ctrl_c_at_a_hidden_prompt_ends_with_130(cli):
    code, seen = cli.at_terminal("user", "create", "alice", answers=[("password: ", "\x03")])
    assert code == 130
    assert seen.endswith("interrupted\n")


def test_an_interrupted_program_ends_with_130(cli):
    with cli.start("user", "create", "alice", "--password-stdin", stdin=subprocess.PIPE) as process:
        cli.ok("app", "list")  # by then the other one waits for its stdin
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().endswith("interrupted\n")
        assert process.wait(60) == 130
