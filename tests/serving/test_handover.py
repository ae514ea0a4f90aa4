import json
import os

import pytest

from apimctl.errors import InvalidInputError
from apimctl.serving.handover import VARIABLE, take_inheritance
from apimctl.serving.sockets import listen


def test_who_was_started_by_nobody_inherits_nothing():
    assert take_inheritance({}) is None


def test_what_is_left_is_taken_once_and_the_predecessor_told():
    reading, writing = os.pipe()
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        left = {
            "gateway_id": "one",
            "sockets": {"http": listener.detach()},
            "predecessor": writing,
        }
        environ = {VARIABLE: json.dumps(left), "OTHER": "kept"}
        inheritance = take_inheritance(environ)
    assert environ == {"OTHER": "kept"}
    with inheritance.sockets["http"] as heired:
        assert heired.getsockname() == address
    inheritance.say_serving()
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"serving"


def test_a_predecessor_that_died_is_not_missed():
    reading, writing = os.pipe()
    left = {"gateway_id": "one", "sockets": {}, "predecessor": writing}
    inheritance = take_inheritance({VARIABLE: json.dumps(left)})
    os.close(reading)
    inheritance.say_serving()


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "[]",
        "{}",
        "1",
        '{"gateway_id": "x", "sockets": [], "predecessor": 1}',
        '{"gateway_id": "x", "sockets": {}, "predecessor": "1"}',
        '{"gateway_id": "x", "sockets": {}, "predecessor": 987654}',
        '{"gateway_id": "x", "sockets": {"http": "3"}, "predecessor": 1}',
    ],
)
def test_what_no_predecessor_has_set_is_refused(text):
    with pytest.raises(InvalidInputError, match=VARIABLE):
        take_inheritance({VARIABLE: text})
