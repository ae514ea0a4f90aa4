import re

import pytest

STYLE = re.compile(r"\x1b\[([0-9;]*)m")


def plain(seen: str) -> str:
    return STYLE.sub("", seen)


def colours(seen: str) -> set[str]:
    codes = {code for style in STYLE.findall(seen) for code in style.split(";")}
    return codes & {str(number) for number in (*range(30, 38), *range(90, 98))}


@pytest.fixture
def published(cli):
    urls = ("--production-url", "http://127.0.0.1:1/a/rather/long/path")
    cli.ok("api", "create", "twitter", "--context", "/twitter", "--version", "1", *urls)
    cli.ok("api", "publish", "twitter")
    return cli


def test_a_terminal_gets_a_frame_and_colours(published):
    code, seen = published.at_terminal("api", "show", "twitter")
    assert code == 0
    assert "╭─ twitter:1 ─" in plain(seen)
    assert "│ state             PUBLISHED" in plain(seen)
    assert "32" in colours(seen)


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})],
)
def test_colours_can_be_turned_off(published, arguments, environment):
    published.environment.update(environment)
    code, seen = published.at_terminal("api", "show", "twitter", *arguments)
    assert code == 0
    assert colours(seen) == set()
    assert "PUBLISHED" in plain(seen)


def test_a_list_fits_the_terminal_and_names_stay_whole(published):
    _, seen = published.at_terminal("api", "list")
    lines = plain(seen).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert any(re.match(r" twitter  1 +/twitter  PUBLISHED  http://127", line) for line in lines)
    assert "127.0.0.1:1" in re.sub(r"\s", "", plain(seen))


def test_a_name_is_never_markup(cli):
    name = "[/x] [red]hi[/red] :smile:"
    code, seen = cli.at_terminal("app", "create", name)
    assert code == 0
    assert f"╭─ {name} ─" in plain(seen)
    assert re.search(rf"│ name +{re.escape(name)}", plain(seen))
    assert colours(seen) == set()
    code, seen = cli.at_terminal("app", "list")
    assert name in plain(seen)


def test_secrets_stay_on_one_line_each(cli):
    _, seen = cli.at_terminal("key", "generate", "--sandbox")
    for field in ("consumer key", "consumer secret", "access token"):
        assert re.search(rf"│ {field} +apim_\w\ws0_\w{{36}} +│", plain(seen)), field


def test_data_for_programs_is_the_same_at_a_terminal(published):
    _, seen = published.at_terminal("api", "show", "twitter", "--json")
    assert seen == published.ok("api", "show", "twitter", "--json").stdout
