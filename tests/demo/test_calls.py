import socket

import pytest

from apimctl.demo.calls import Call, Row, ask
from apimctl.demo.interruption import Interruption
from apimctl.errors import ApimctlError

SEARCH = "/twitter/1.0.0/search.atom?q=cat"


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (Call(SEARCH), "GET search.atom?q=cat"),
        (Call(SEARCH, "t0ken", domain="example.com"), "GET search.atom?q=cat  domain: example.com"),
        (
            Call("/token", form={"grant_type": "password"}, client=("key", "s3cret")),
            "POST /token  grant=password",
        ),
    ],
)
def test_a_call_is_shown_without_its_secrets(call, shown):
    assert call.shown == shown
    shape = Row("a step", call, "200", "200").shape()
    assert shape["request"] == shown
    assert not {"t0ken", "s3cret"} & set(str(shape).replace("'", " ").split())


def test_an_answer_is_as_expected_or_not():
    assert Row("a step", Call("/"), "200", "200").shape()["verdict"] == "as expected"
    assert Row("a step", Call("/"), "500", "200").shape()["verdict"] == "NOT as expected"


def test_no_answer_is_an_error_that_names_the_call():
    with socket.socket() as listener, Interruption() as interruption:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ApimctlError, match=r"^no answer to GET search.atom.*refused"):
            ask(url, Call(SEARCH), interruption=interruption)
