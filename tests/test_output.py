import csv
import io
import json
import subprocess

import pytest

from apimctl.errors import ConflictError, UsageError
from apimctl.output import Format, Output, print_error

RECORD = {
    "name": "twitter",
    "tiers": ["Gold", "Silver"],
    "allowed_domains": [],
    "expires_at": None,
    "default_version": True,
    "requests": 0,
    "description": "",
}
ROWS = [
    {"name": "twitter", "state": "PUBLISHED", "hidden": 1},
    {"name": "a longer name", "state": None, "hidden": 2},
]
HOSTILE = "a\nAPIMCTL_X=1\r\n\t\x1b[2J\x00,\"';$(touch x)`id`\\"


@pytest.fixture
def written(capsys):
    def written(output_format, method, *arguments, is_quiet=False, **options) -> tuple[str, str]:
        output = Output(Format(output_format), is_quiet=is_quiet, has_color=False)
        getattr(output, method)(*arguments, **options)
        return tuple(capsys.readouterr())

    return written


RECORDS = [
    (
        "table",
        (
            "name             twitter\n"
            "tiers            Gold,Silver\n"
            "allowed domains  all\n"
            "expires at       never\n"
            "default version  yes\n"
            "requests         0\n"
            "description      -\n"
        ),
    ),
    (
        "csv",
        (
            "name,tiers,allowed_domains,expires_at,default_version,requests,description\n"
            'twitter,"Gold,Silver",,,yes,0,\n'
        ),
    ),
    ("value", "twitter\n"),
    (
        "env",
        (
            "APIMCTL_NAME=twitter\n"
            "APIMCTL_TIERS=Gold,Silver\n"
            "APIMCTL_ALLOWED_DOMAINS=''\n"
            "APIMCTL_EXPIRES_AT=''\n"
            "APIMCTL_DEFAULT_VERSION=yes\n"
            "APIMCTL_REQUESTS=0\n"
            "APIMCTL_DESCRIPTION=''\n"
        ),
    ),
]


@pytest.mark.parametrize(("output_format", "expected"), RECORDS)
def test_a_record_in_every_format(written, output_format, expected):
    assert written(output_format, "record", RECORD, title="t", bare="name") == (expected, "")


def test_a_record_as_json_is_the_record(written):
    stdout, _ = written("json", "record", RECORD, title="t", bare="name")
    assert json.loads(stdout) == RECORD
    assert stdout.startswith('{\n  "name": "twitter",\n')


LISTS = [
    ("table", "name           state\ntwitter        PUBLISHED\na longer name  -\n"),
    ("csv", "name,state,hidden\ntwitter,PUBLISHED,1\na longer name,,2\n"),
    ("value", "twitter\na longer name\n"),
]


@pytest.mark.parametrize(("output_format", "expected"), LISTS)
def test_a_list_in_every_format(written, output_format, expected):
    columns = ("name", "state")
    assert written(output_format, "rows", ROWS, columns=columns, bare="name", empty="none") == (
        expected,
        "",
    )


@pytest.mark.parametrize(
    ("output_format", "expected"),
    [
        ("table", ("", "none\n")),
        ("json", ("[]\n", "")),
        ("csv", ("name,state\n", "")),
        ("value", ("", "")),
    ],
)
def test_an_empty_list_in_every_format(written, output_format, expected):
    columns = ("name", "state")
    assert written(output_format, "rows", [], columns=columns, bare="name", empty="none") == (
        expected
    )


@pytest.mark.parametrize("rows", [ROWS, []])
@pytest.mark.parametrize("output_format", ["env", "github"])
def test_a_list_is_no_set_of_variables(written, monkeypatch, tmp_path, output_format, rows):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    with pytest.raises(UsageError, match="this is a list"):
        written(output_format, "rows", rows, columns=("name",), bare="name", empty="none")


def test_quiet_leaves_data(written):
    assert written("value", "record", RECORD, title="t", bare="name", is_quiet=True)[0]
    assert written("table", "say", "done", is_quiet=True) == ("", "")
    assert written("table", "say", "done") == ("", "done\n")


def test_a_control_character_breaks_no_line(written):
    record = {"name": HOSTILE, "items": [HOSTILE, "b"]}
    table, _ = written("table", "record", record, title="t", bare="name")
    assert len(table.splitlines()) == 2
    value, _ = written("value", "record", record, title="t", bare="items")
    assert len(value.splitlines()) == 1
    rows, _ = written("table", "rows", [record] * 2, columns=record, bare="name", empty="")
    assert len(rows.splitlines()) == 3
    for text in (table, value, rows):
        assert not set(text) & {"\x1b", "\r", "\t", "\x00"}


def test_a_hostile_value_stays_in_its_csv_cell(written):
    stdout, _ = written("csv", "rows", [{"name": HOSTILE, "n": 1}], columns=(), bare="n", empty="")
    header, row = csv.reader(io.StringIO(stdout))
    assert header == ["name", "n"]
    assert len(row) == 2
    assert row[1] == "1"
    assert len(stdout.splitlines()) == 2


def test_a_hostile_value_is_only_a_value_to_a_shell(written, tmp_path):
    stdout, _ = written("env", "record", {"name": HOSTILE, "n": 1}, title="t", bare="name")
    (tmp_path / "vars").write_text(stdout)
    shell = subprocess.run(
        ["sh", "-c", '. ./vars; printf %s "$APIMCTL_NAME"; printf "|%s|%s" "$APIMCTL_X" "$#"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stderr == ""
    value, x, _ = shell.stdout.rsplit("|", 2)
    assert value == HOSTILE.translate(dict.fromkeys((0, 9, 10, 13, 27), " "))
    assert x == ""


def test_json_carries_control_characters_escaped(written):
    stdout, _ = written("json", "record", {"name": HOSTILE}, title="t", bare="name")
    assert json.loads(stdout) == {"name": HOSTILE}
    assert "\x1b" not in stdout


def test_github_masks_before_it_writes(written, monkeypatch, tmp_path):
    file = tmp_path / "output"
    file.write_text("before=1\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    record = {"name": "x", "access_token": "apim_at", "consumer_secret": None, "text": "a\nb=c"}
    stdout, _ = written(
        "github",
        "record",
        record,
        title="t",
        bare="name",
        secrets=("access_token", "consumer_secret"),
    )
    assert stdout == "::add-mask::apim_at\n"
    assert file.read_text() == (
        "before=1\nname=x\naccess_token=apim_at\nconsumer_secret=\ntext=a b=c\n"
    )


@pytest.mark.parametrize("path", [None, "", "missing/output", "."])
def test_github_is_refused_at_once_where_nothing_can_be_written(monkeypatch, tmp_path, path):
    if path is not None:
        monkeypatch.setenv("GITHUB_OUTPUT", path and str(tmp_path / path))
    with pytest.raises(UsageError) as caught:
        Output(Format.GITHUB, is_quiet=False, has_color=False)
    assert "$GITHUB_OUTPUT" in caught.value.message
    assert caught.value.hint


def test_an_error_is_a_line_and_a_hint(capsys):
    print_error(ConflictError("it is there", hint="Look."), as_json=False)
    assert tuple(capsys.readouterr()) == ("", "error: it is there\nhint:  Look.\n")
    print_error(ConflictError("it is there"), as_json=False)
    assert capsys.readouterr().err == "error: it is there\n"


def test_an_error_is_one_object_for_a_program(capsys):
    print_error(ConflictError("it is there", hint="Look."), as_json=True)
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert json.loads(stderr) == {
        "error": {"code": "conflict", "message": "it is there", "hint": "Look."}
    }
