import re

import pytest

from apimctl import errors
from apimctl.errors import ApimctlError

DRAWN = re.compile(r"^[\s│├└─]*(\w+Error)\s+(?:exit (\d+)\s+(\d+)\s+)?(\w+)(?:\s|$)")


def tree(root=ApimctlError):
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


TREE = list(tree())


def drawing():
    lines = (DRAWN.match(line) for line in errors.__doc__.splitlines())
    return {found[1]: found.groups()[1:] for found in lines if found}


def test_the_drawing_shows_the_whole_tree():
    assert list(drawing()) == [error.__name__ for error in TREE]


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_the_drawing_says_what_the_class_says(error):
    exit_code, http_status, code = drawing()[error.__name__]
    assert code == error.code
    assert exit_code in {None, str(error.exit_code)}
    assert http_status in {None, str(error.http_status)}
    if exit_code is None:
        assert error.exit_code == error.__mro__[1].exit_code


def test_the_exit_codes_are_those_of_the_specification():
    assert {error.__name__: error.exit_code for error in TREE} == {
        "ApimctlError": 1,
        "UsageError": 2,
        "NotFoundError": 3,
        "DeniedError": 4,
        "ConflictError": 5,
        "InvalidInputError": 6,
        "StoreError": 7,
        "StoreBusyError": 7,
        "StoreUnreadableError": 7,
        "StoreNewerError": 7,
        "UserStoreError": 7,
    }


def test_no_two_errors_share_a_code():
    codes = [error.code for error in TREE]
    assert len(set(codes)) == len(codes)


def test_an_error_has_a_message_and_may_have_a_hint():
    error = errors.NotFoundError("there is no such thing", hint="Look elsewhere.")
    assert (str(error), error.message) == ("there is no such thing",) * 2
    assert error.hint == "Look elsewhere."
    assert errors.NotFoundError("nothing").hint == ""
