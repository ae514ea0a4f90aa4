import asyncio
import socket

import pytest

from apimctl.errors import ApimctlError, ConflictError, StoreError, StoreNewerError
from apimctl.serving.channel import Command, Report, Reports, listen_for_commands


@pytest.fixture
def ends():
    supervisor, worker = socket.socketpair()
    with supervisor, worker:
        supervisor.setblocking(False)
        worker.setblocking(False)
        yield supervisor, worker


@pytest.mark.parametrize("kind", [ApimctlError, ConflictError, StoreError, StoreNewerError])
def test_an_error_stays_what_it_is(kind):
    error = Report.decode(Report(kind("what\nhappened", hint='"hint"')).encode()).error
    assert type(error) is kind
    assert (error.message, error.hint) == ("what\nhappened", '"hint"')


def test_reports_come_whole_however_they_are_cut(ends):
    supervisor, worker = ends
    reports = Reports(supervisor)
    assert reports.read() == []
    line = Report(ConflictError("taken")).encode()
    worker.sendall(Report().encode() + line[:10])
    assert reports.read() == [Report()]
    worker.sendall(line[10:])
    (report,) = reports.read()
    assert report.error.message == "taken"
    assert not reports.is_over
    worker.close()
    assert (reports.read(), reports.is_over) == ([], True)
    assert (reports.read(), reports.is_over) == ([], True)


def test_commands_come_in_order_and_the_end_means_drain(ends):
    supervisor, worker = ends

    async def hear():
        commands = listen_for_commands(worker)
        supervisor.sendall(Command.RELOAD.value + Command.RENEW.value)
        heard = [await commands.get(), await commands.get()]
        supervisor.close()
        heard.append(await commands.get())
        await asyncio.sleep(0)
        assert commands.empty()
        return heard

    assert asyncio.run(hear()) == [Command.RELOAD, Command.RENEW, Command.DRAIN]
