import pytest

from apimctl.commands.demo import _show
from apimctl.demo.calls import Call, Row
from apimctl.demo.story import Story
from apimctl.errors import ApimctlError
from apimctl.invocation import Invocation


def test_an_unexpected_answer_is_shown_and_is_an_error(capsys):
    good, bad = Row("good", Call("/"), "200", "200"), Row("bad", Call("/"), "500", "200")
    with pytest.raises(ApimctlError) as raised:
        _show(Invocation(), Story(stage=None, rows=[good, bad]))
    assert raised.value.exit_code == 1
    assert "1 of 2 calls" in raised.value.message
    assert "bad (500, not 200)" in raised.value.message
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["step", "request", "answer", "verdict", "expected"]
    assert rows[0].split() == ["good", "GET", "/", "200", "as", "expected", "200"]
    assert rows[1].split() == ["bad", "GET", "/", "500", "NOT", "as", "expected", "200"]
