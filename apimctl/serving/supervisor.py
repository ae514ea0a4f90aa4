"""The supervisor: starts the workers, obeys signals, and hands over to the next one.

One thread, one loop, no request: it waits for signals, workers and a successor, and does what is
due. No connection to the store is open when it forks.
"""

import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum, auto

from apimctl import __version__
from apimctl.config import GatewaySettings
from apimctl.edge.metric_files import forget_worker
from apimctl.errors import ApimctlError
from apimctl.serving.addresses import Addresses, addresses_of
from apimctl.serving.channel import Command
from apimctl.serving.child import Closeable, describe_end
from apimctl.serving.crew import Crew, Fall
from apimctl.serving.handover import Inheritance, Successor
from apimctl.serving.notify import Notifier
from apimctl.serving.registration import Registration
from apimctl.serving.signals import Signals
from apimctl.serving.worker import Post, work
from apimctl.tables.gateways import Gateway

LONGEST_WAIT_SECONDS = 3600.0

OnReady = Callable[[Addresses, int], None]
"""Told where the gateway is and how many workers it has, once all of them serve."""

log = logging.getLogger("apimctl.gateway")


class _Phase(Enum):
    STARTING = auto()
    SERVING = auto()
    DRAINING = auto()


class Supervisor:
    """One gateway's processes. A new one is made for every run."""

    def __init__(
        self,
        post: Post,
        *,
        on_ready: OnReady,
        notifier: Notifier,
        inheritance: Inheritance | None,
    ) -> None:
        """`post` is what the workers get; `inheritance` is there if a predecessor waits."""
        self._post = post
        self._on_ready = on_ready
        self._notifier = notifier
        self._inheritance = inheritance
        row = Gateway(post.gateway_id, "", os.getpid(), __version__, int(time.time()))
        self._registration = Registration(post.settings.store_path, row)
        self._signals = Signals()
        self._selector = selectors.DefaultSelector()
        self._crew = Crew(
            self._work,
            self._selector,
            inherited=self._inherited,
            on_end=lambda number: forget_worker(post.metrics_folder, number),
        )
        self._phase = _Phase.STARTING
        self._stops = 0
        self._error: ApimctlError | None = None
        self._successor: Successor | None = None
        self._heir: int | None = None

    def run(self) -> int | None:
        """Serve until told to stop; return the process that was handed over to, if one was.

        Raises ApimctlError, as a worker does, if the gateway cannot begin to serve.
        """
        with self._selector, self._signals:
            self._selector.register(self._signals, selectors.EVENT_READ)
            self._crew.resize(self._workers, drain_seconds=0.0)
            try:
                while not self._is_over:
                    self._crew.fill()
                    self._turn(self._selector.select(self._wait_seconds()))
            finally:
                self._registration.remove()
        if self._error is not None:
            raise self._error
        return self._heir

    @property
    def _is_over(self) -> bool:
        is_alone = self._crew.is_gone and self._successor is None
        return self._phase is _Phase.DRAINING and is_alone

    @property
    def _settings(self) -> GatewaySettings:
        return self._post.settings.gateway

    @property
    def _workers(self) -> int:
        """How many workers are wanted."""
        return self._settings.workers or _usable_processors()

    @property
    def _addresses(self) -> Addresses:
        return addresses_of(self._post.sockets, self._post.certificate)

    def _wait_seconds(self) -> float:
        times = [self._crew.due_at, self._successor.due_at if self._successor else None]
        due_at = min((at for at in times if at is not None), default=float("inf"))
        return max(0.0, min(due_at - time.monotonic(), LONGEST_WAIT_SECONDS))

    def _turn(self, events: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        """Take in what has happened, and do what is due."""
        # Signals first: a worker that ends because everybody is told to has not fallen.
        for number in self._signals.read():
            self._obey(number)
        self._crew.listen()
        for fall in self._crew.fallen():
            self._lament(fall)
        self._crew.kill_late()
        if self._successor is not None:
            is_heard = any(key.fileobj is self._successor for key, _ in events)
            self._attend(self._successor, is_heard=is_heard)
        if self._phase is _Phase.STARTING and self._crew.is_serving:
            self._begin()

    def _obey(self, number: signal.Signals) -> None:
        match number:
            case signal.SIGTERM | signal.SIGINT:
                self._stop()
            case signal.SIGHUP if self._phase is _Phase.SERVING:
                self._reload()
            case signal.SIGUSR2:
                self._upgrade()

    def _begin(self) -> None:
        """Say that requests are answered, to whom it concerns."""
        try:
            self._registration.put(self._addresses, workers=self._workers)
        except ApimctlError as error:
            self._fail(error)
            return
        self._phase = _Phase.SERVING
        if self._inheritance is not None:
            self._inheritance.say_serving()
            self._inheritance = None
        self._on_ready(self._addresses, self._workers)
        self._notifier.ready()

    def _lament(self, fall: Fall) -> None:
        if self._phase is _Phase.STARTING:
            self._fail(fall.error or ApimctlError(f"a worker {fall.how} before it served"))
            return
        reason = f": {fall.error.message}" if fall.error else ""
        again = f"in {fall.pause_seconds:g} s" if fall.pause_seconds else "now"
        log.warning(
            "worker %d %s%s; another one starts %s", fall.process_id, fall.how, reason, again
        )

    def _fail(self, error: ApimctlError) -> None:
        """End without having begun."""
        self._error = error
        self._drain()
        self._crew.hurry()

    def _stop(self) -> None:
        """Let the requests under way finish; the second time, end them."""
        self._stops += 1
        if self._successor is not None:
            self._successor.give_up()
        if self._stops > 1:
            self._crew.hurry()
        elif self._phase is not _Phase.DRAINING:
            self._notifier.stopping()
            self._drain()

    def _drain(self) -> None:
        self._phase = _Phase.DRAINING
        self._refresh_settings()
        self._post.sockets.close()
        # A successor answers on the admin port already; without one, the gateway is not ready.
        command = Command.STOP if self._heir is None else Command.DRAIN
        self._crew.end(command, drain_seconds=self._settings.drain_seconds)

    def _reload(self) -> None:
        """Obey the settings and the certificate as they are in their files now."""
        self._notifier.reloading()
        if self._refresh_settings():
            self._crew.tell(Command.RELOAD)
        self._crew.tell(Command.REOPEN)
        certificate = self._post.certificate
        if certificate is not None and certificate.renew(self._settings):
            self._crew.tell(Command.RENEW)
        self._crew.resize(self._workers, drain_seconds=self._settings.drain_seconds)
        self._registration.renew(self._addresses, workers=self._workers)
        self._notifier.ready()

    def _refresh_settings(self) -> bool:
        """Obey the settings as they are now; return whether they can be read."""
        try:
            self._post = replace(self._post, settings=self._post.reload())
        except ApimctlError as error:
            log.warning("the settings stay as they are: %s", error.message)
            return False
        return True

    def _upgrade(self) -> None:
        """Start the command anew, on the same sockets."""
        if self._phase is not _Phase.SERVING or self._successor is not None:
            log.warning("no upgrade now: the gateway is starting, ending or upgrading already")
            return
        try:
            self._successor = Successor(
                self._post.gateway_id, self._post.sockets, self._notifier.environment
            )
        except OSError as error:
            log.warning("the upgrade failed: %s; this process serves on", error)
            return
        self._selector.register(self._successor, selectors.EVENT_READ)

    def _attend(self, successor: Successor, *, is_heard: bool) -> None:
        """Look how the successor is, and make way for it once it serves."""
        code = successor.end()
        is_serving = is_heard and successor.is_serving()
        if code is not None:
            self._forget(successor)
            if self._phase is _Phase.SERVING:
                end = describe_end(code)
                log.warning("the upgrade failed: it %s; this process serves on", end)
                # It may have come so far as to be listed in our place.
                self._registration.renew(self._addresses, workers=self._workers)
        elif is_serving and not successor.is_given_up:
            self._forget(successor)
            self._heir = successor.process_id
            self._notifier.replaced_by(self._heir)
            self._drain()
        elif is_heard:
            self._selector.unregister(successor)
        elif successor.due_at <= time.monotonic():
            if not successor.is_given_up:
                log.warning("the upgrade takes too long: process %d ends", successor.process_id)
            successor.give_up()

    def _forget(self, successor: Successor) -> None:
        self._successor = None
        if successor in self._selector.get_map():
            self._selector.unregister(successor)
        successor.close()

    def _work(self, connection: socket.socket, number: int) -> int:
        return work(self._post, connection, number=number)

    def _inherited(self) -> list[Closeable]:
        """Return what a worker gets of this process and is not to keep."""
        own: list[Closeable | None] = [self._signals, self._successor, self._inheritance]
        return [thing for thing in own if thing is not None]


def _usable_processors() -> int:
    """Return how many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
