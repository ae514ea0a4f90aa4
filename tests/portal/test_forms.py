import pytest

from apimctl.domain.validity import parse_validity
from apimctl.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StoreBusyError,
    UsageError,
)
from apimctl.portal.forms import Form, FormError, problem_of


@pytest.fixture
def form():
    return Form("/store/x", {"name": " alice ", "validity": "1h", "empty": "  ", "box": "on"})


def test_texts_come_without_white_space_around_them(form):
    assert form.text("name") == "alice"
    assert form.text("none") == ""
    assert form.text("none", "default") == "default"
    assert form.is_checked("box")
    assert not form.is_checked("none")


def test_what_was_typed_is_in_no_trace(form):
    assert "alice" not in repr(form)


def test_a_field_that_is_read_has_its_value_or_its_problem(form):
    assert form.read("validity", parse_validity) == 3600
    form.check()
    assert form.read("name", parse_validity) is None
    assert form.problems["name"].message == "The validity 'alice' is not a length of time"
    with pytest.raises(FormError) as caught:
        form.check()
    assert caught.value.status == UsageError.http_status
    assert caught.value.form is form


def test_a_field_that_may_not_be_empty_says_so(form):
    assert form.require("name", "Give a name") == "alice"
    assert form.require("empty", "Give something") == ""
    assert form.problems.keys() == {"empty"}


def test_the_first_problem_decides_the_status_and_what_else_is_said(form):
    refused = form.refuse("", "Too many.", status=429, headers=(("Retry-After", "7"),))
    assert (refused.status, refused.headers) == (429, (("Retry-After", "7"),))
    assert form.problem.message == "Too many"
    refused = form.refuse("name", "Taken", status=409)
    assert (refused.status, refused.headers) == (409, ())


def test_a_field_is_blamed_for_whatever_goes_wrong_with_it(form):
    with pytest.raises(FormError) as caught, form.blaming("name"):
        raise ConflictError("there is one already", hint="Choose another.")
    assert caught.value.status == 409
    problem = form.problems["name"]
    assert (problem.message, problem.hint) == ("There is one already", "Choose another.")


def test_no_field_is_blamed_for_the_store(form):
    with pytest.raises(StoreBusyError), form.blaming("name"):
        raise StoreBusyError("the store is busy", hint="")
    assert form.problems == {}


def test_an_unknown_name_in_a_field_is_no_unknown_page(form):
    with pytest.raises(FormError) as caught, form.blaming("name"):
        raise NotFoundError("there is no such application", hint="")
    assert caught.value.status == 422


@pytest.mark.parametrize("hint", ["apimctl user list shows them.", "Try --force.", ""])
def test_a_hint_that_is_for_terminals_is_left_out(hint):
    assert problem_of(InvalidInputError("x", hint=hint)).hint == ""
