"""What a form may need before the store is asked: it takes long, so no transaction waits for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Protocol, TypeVar

from apimctl.edge.login.passwords import Passwords
from apimctl.edge.login.turns import Turns

_Result = TypeVar("_Result")


class Submits(Protocol):
    """Runs work on the store, in a transaction of its own."""

    def __call__(self, work: Callable[[Connection], _Result]) -> Awaitable[_Result]:
        """Return what `work` returns. Raises what it raises, and StoreError."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Passwords are checked and hashed by `passwords`; `calls` is the queue of the console.

    `read` asks the store; `write` is for what has to stand whatever comes of the form.
    """

    passwords: Passwords
    calls: Turns
    read: Submits
    write: Submits
