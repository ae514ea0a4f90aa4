import json
import re
import shlex
from pathlib import Path

import pytest
import typer

from apimctl.cli import root
from apimctl.config import load
from apimctl.edge import log_lines, metric_files, metrics
from apimctl.edge.metric_files import Metric
from apimctl.errors import ApimctlError
from apimctl.invocation import Invocation
from tests.edge.observations import observed

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = "commands.md"


def shell_lines(page: Path) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    return "\n".join(blocks).replace("\\\n", " ").splitlines()


def shown_commands() -> list[list[str]]:
    found = []
    for page in PAGES:
        for line in shell_lines(page):
            calls = re.findall(r"\bapimctl ((?:[^&|>#)\"']|\"[^\"]*\"|'[^']*')+)", line)
            found += [shlex.split(call) for call in calls if call.split()[0].isalpha()]
    return found


def test_there_are_commands_to_check():
    assert len(shown_commands()) > 30


@pytest.mark.parametrize("arguments", shown_commands(), ids=" ".join)
def test_every_command_that_the_docs_show_is_one_that_parses(arguments):
    context = typer.Context(root(), info_name="apimctl", obj=Invocation())
    while hasattr(context.command, "get_command"):
        name, *arguments = arguments
        command = context.command.get_command(context, name)
        assert command is not None, name
        context = command.make_context(name, arguments, parent=context)
        if not hasattr(command, "get_command"):
            return
        arguments = context._protected_args + context.args
    raise AssertionError(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_that_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_the_configuration_page_lists_every_setting():
    page = (ROOT / "docs/configuration.md").read_text()
    settings = load({"db": "store.db", "config": "none.toml"}, environ={})
    listed = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)`", page, re.MULTILINE))
    assert listed == {row.key for row in settings.rows} - {"db"}


def test_the_observability_page_lists_every_metric():
    page = (ROOT / "docs/observability.md").read_text()
    suffix = {metric_files.Kind.COUNTER: "_total"}
    metrics_there = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    shown = {
        (f"{metric.name}{suffix.get(metric.kind, '')}", metric.labels) for metric in metrics_there
    }
    rows = re.findall(r"^\| `((?:apimctl|process)_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    assert {(name, tuple(re.findall(r"`(\w+)`", labels))) for name, labels in rows} == shown


def test_the_observability_page_shows_lines_as_they_are_written():
    page = (ROOT / "docs/observability.md").read_text()
    (example,) = re.findall(r'^\{"time": .*\}$', page, re.MULTILINE)
    written = json.loads(log_lines.json_line(observed(), None))
    assert list(json.loads(example)) == list(written)
    section = page.partition("| key | what it is |")[2].partition("\n\n")[0]
    named = [row.split("|")[1] for row in section.splitlines()[2:]]
    assert set(re.findall(r"`(\w+)`", "".join(named))) == set(written)


def test_the_exit_code_page_lists_every_code():
    page = (ROOT / "docs/exit-codes.md").read_text()
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    errors = {error.exit_code for error in [ApimctlError, *ApimctlError.__subclasses__()]}
    assert listed == errors | {0, 130}


def test_the_oauth_page_names_tests_that_are_there():
    page = (ROOT / "docs/oauth.md").read_text()
    named = re.findall(r"`(\w+/[\w/]*test_\w+\.py)::(\w+)`", page)
    assert len(named) == page.count("::") > 70
    for path, test in named:
        assert f"\ndef {test}(" in (ROOT / "tests" / path).read_text(), (path, test)


def test_the_oauth_page_has_every_rfc_and_each_line_of_it_a_test():
    page = (ROOT / "docs/oauth.md").read_text()
    sections = re.findall(r"^## RFC (\d+):.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert sections == ["6749", "6750", "7009", "7636", "7662", "8414", "9068", "9207", "9700"]
    rows = [line for line in page.splitlines() if re.match(r"\| (all|\d)", line)]
    assert all(line.count("::test_") == 1 for line in rows)


def test_the_portal_page_shows_every_picture_that_is_taken_and_no_other():
    taken = re.findall(r'Shot\(\s*"([\w-]+)"', (ROOT / "scripts/screenshots.py").read_text())
    shown = re.findall(r"\]\(screenshots/([\w-]+)\.png\)", (ROOT / "docs/portal.md").read_text())
    there = {picture.stem for picture in (ROOT / "docs/screenshots").iterdir()}
    assert len(taken) == len(set(taken)) > 20
    assert set(taken) == set(shown) == there
