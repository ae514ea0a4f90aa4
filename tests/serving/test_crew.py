import contextlib
import os
import selectors
import socket
import sys

import pytest

from apimctl.serving.channel import Command, Report
from apimctl.serving.crew import Crew
from tests.binary import TIMEOUT_SECONDS


def work(supervisor: socket.socket, number: int) -> int:
    """Serve, and end once told to and let go: by DRAIN, then by HURRY."""
    supervisor.setblocking(True)
    supervisor.send(Report().encode())
    while supervisor.recv(1) not in {Command.HURRY.value, b""}:
        pass
    return number


class Yard:
    """A crew, and the numbers of those who have ended."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.ended = []
        self.crew = Crew(work, self.selector, inherited=list, on_end=self.ended.append)

    @property
    def numbers(self):
        return sorted(child.number for child in self.crew._children())

    def want(self, count):
        self.crew.resize(count, drain_seconds=TIMEOUT_SECONDS)
        self.crew.fill()
        self.turn_until(lambda: self.crew.is_serving)

    def turn_until(self, holds):
        while not holds():
            assert self.selector.select(TIMEOUT_SECONDS)
            self.crew.listen()
            self.crew.fallen()

    def end(self):
        self.crew.end(Command.STOP, drain_seconds=TIMEOUT_SECONDS)
        self.crew.hurry()
        with contextlib.suppress(ChildProcessError):
            while not self.crew.is_gone:
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
                self.crew.fallen()
        self.selector.close()


@pytest.fixture
def yard():
    made = Yard()
    yield made
    made.end()


def await_end(process_id):
    os.waitid(os.P_PID, process_id, os.WEXITED | os.WNOWAIT)


def test_no_two_living_workers_have_one_number(yard):
    yard.want(2)
    assert yard.numbers == [0, 1]
    yard.want(1)  # the other one drains, and is there still
    assert yard.numbers == [0, 1]
    yard.want(3)
    assert yard.numbers == [0, 1, 2, 3]


def test_the_number_of_a_worker_that_has_ended_is_given_again(yard):
    yard.want(2)
    fallen = next(child for child in yard.crew._children() if child.number == 0)
    fallen.kill()
    await_end(fallen.process_id)
    (fall,) = yard.crew.fallen()
    assert (fall.process_id, fall.how) == (fallen.process_id, "was ended by SIGKILL")
    assert yard.ended == [0]
    yard.want(2)
    assert yard.numbers == [0, 1]


def test_those_with_the_lowest_numbers_stay(yard):
    yard.want(2)
    fallen = next(child for child in yard.crew._children() if child.number == 0)
    fallen.kill()
    await_end(fallen.process_id)
    yard.crew.fallen()
    yard.crew._places[0].due_at = sys.maxsize  # its place stays empty while others are filled
    yard.crew.resize(3, drain_seconds=TIMEOUT_SECONDS)
    yard.crew.fill()
    assert yard.numbers == [0, 1]
    yard.want(1)
    assert [place.child.number for place in yard.crew._places] == [0]


def test_a_leaver_keeps_its_number_until_it_has_ended(yard):
    yard.want(1)
    (leaver,) = yard.crew._children()
    yard.want(0)
    yard.want(1)
    assert yard.numbers == [0, 1]
    yard.crew.hurry()
    await_end(leaver.process_id)
    assert yard.crew.fallen() == []
    assert yard.ended == [0]
    yard.want(2)
    assert yard.numbers == [0, 1]
