"""A form of the API Store: what was typed into it, and what is wrong with that.

A form that is refused is shown again as it was typed, each message beside its field.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from apimctl.errors import ApimctlError, NotFoundError, StoreError

_Value = TypeVar("_Value")

FOR_TERMINALS = ("apimctl ", "--")
"""What a hint says that is meant for the command line."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to try; `headers` are for the answer that says so."""

    message: str
    hint: str = ""
    status: int = 422
    headers: Headers = ()


def problem_of(error: ApimctlError) -> Problem:
    """Return what a page says of an error; a hint that names a command helps nobody there."""
    message = error.message[:1].upper() + error.message[1:]
    hint = "" if any(word in error.hint for word in FOR_TERMINALS) else error.hint
    return Problem(message, hint, error.http_status)


class FormError(Exception):
    """The form cannot be accepted: nothing is done, and it is shown again."""

    def __init__(self, form: "Form") -> None:
        super().__init__(form.action)
        self.form = form

    @property
    def status(self) -> int:
        """The HTTP status that says so: not that of an unknown page, also for an unknown name."""
        status = next((problem.status for problem in self._problems), 422)
        return 422 if status == NotFoundError.http_status else status

    @property
    def headers(self) -> Headers:
        """What else the answer says, as ``Retry-After``."""
        return next((problem.headers for problem in self._problems), ())

    @property
    def _problems(self) -> list[Problem]:
        form = self.form
        return [*form.problems.values(), *([form.problem] if form.problem else [])]


@dataclass(slots=True)
class Form:
    """A form by the path it is sent to.

    `typed` is the text of each field, `problems` what is wrong with a field, `problem` with all of
    it.
    """

    action: str
    typed: Mapping[str, str] = field(repr=False)
    problems: dict[str, Problem] = field(default_factory=dict)
    problem: Problem | None = None

    def text(self, name: str, default: str = "") -> str:
        """Return what was typed into a field, without white space around it."""
        return self.typed.get(name, default).strip()

    def is_checked(self, name: str) -> bool:
        """Return whether a box is checked."""
        return name in self.typed

    def read(self, name: str, parse: Callable[[str], _Value]) -> _Value | None:
        """Return the value of a field as `parse` reads it; None for one it refuses, noted."""
        try:
            return parse(self.text(name))
        except ApimctlError as error:
            self.problems[name] = problem_of(error)
            return None

    def choose(self, name: str, among: Iterable[_Value]) -> _Value | None:
        """Return the one of these, by its text, that was chosen; None for none of them, noted."""
        for each in among:
            if str(each) == self.text(name):
                return each
        self.problems[name] = Problem("Choose one of these")
        return None

    def require(self, name: str, message: str) -> str:
        """Return what was typed into a field that may not be empty; that it is, is noted."""
        text = self.text(name)
        if not text:
            self.problems[name] = Problem(message)
        return text

    def check(self) -> None:
        """Raise FormError if anything is wrong so far."""
        if self.problems or self.problem:
            raise FormError(self)

    def refuse(
        self,
        name: str,
        message: str,
        *,
        hint: str = "",
        status: int = 422,
        headers: Headers = (),
    ) -> FormError:
        """Return the error that refuses the form because of a field; an empty name: all of it."""
        problem = Problem(message.removesuffix("."), hint, status, headers)
        if name:
            self.problems[name] = problem
        else:
            self.problem = problem
        return FormError(self)

    @contextlib.contextmanager
    def blaming(self, name: str) -> Iterator[None]:
        """Put the blame on a field for what the block raises. Raises FormError, StoreError."""
        try:
            yield
        except StoreError:
            raise
        except ApimctlError as error:
            self.problems[name] = problem_of(error)
            raise FormError(self) from error
