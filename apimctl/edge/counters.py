"""Counters of requests, shared by all workers of one machine, and exact.

One file beside the store, mapped into the memory of every worker. A counter lives in one of the 16
places of a bucket, which its key's digest chooses. Whoever reads or writes a bucket holds the lock
of its first byte (``fcntl.lockf``); a request that counts at several limits holds them all, taken
in order, so that workers never wait for each other in a circle. The kernel drops the locks of a
worker that dies; what it counted stays.

A place whose window is over is free. A bucket whose 16 windows are all open refuses what it does
not know until the first of them ends: a limit of N never admits more than N, and the log says so.
Requests without a token have buckets of their own, so a flood from many addresses leaves the
counters of applications alone. There are 131,072 places, in 5 MiB; up to half of them taken, hardly
any bucket is full.

The times in the file are those of the monotonic clock, which starts anew with the machine, and so
does the file.
"""

import fcntl
import hashlib
import logging
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from apimctl.domain.quota import NANOSECONDS, NO_WINDOW, Limit, Scope, Verdict, Window, decide
from apimctl.edge.mapped_file import HEADER_BYTES, MappedFile, unreadable

PLACES = 16
BUCKETS = 8192
"""The first half for requests with a token, the second for those without."""

_NAME = b"apimctl counters"
_FORMAT = 1
_KIND = struct.Struct("@16sQQQ16s")
"""Name, format, buckets, places, boot."""

_DIGEST_BYTES = 16
_DIGESTS_BYTES = PLACES * _DIGEST_BYTES
_WORD_BYTES = 8
_WINDOW_WORDS = 3
_BUCKET_BYTES = _DIGESTS_BYTES + PLACES * _WINDOW_WORDS * _WORD_BYTES

_MOST_HOMES = 100_000
_WARN_AGAIN = 60 * NANOSECONDS
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger("apimctl.gateway")


class _Home(NamedTuple):
    """Where the counter of a key is looked for: the offset of its bucket, and its digest."""

    bucket: int
    digest: bytes


class Counters:
    """The counters of one store, for one process: its locks do not hold between threads."""

    def __init__(
        self,
        path: Path,
        *,
        buckets: int = BUCKETS,
        clock: Callable[[], int] = time.monotonic_ns,
        boot_id: bytes | None = None,
    ) -> None:
        """Open the file, or make it anew. Raises StoreUnreadableError.

        `clock` is the same for all processes, in nanoseconds. `boot_id` tells its starts apart.
        """
        self._path = path
        self._buckets = buckets
        self._clock = clock
        self._boot_id = _read_boot_id() if boot_id is None else boot_id
        self._warned_at = -_WARN_AGAIN
        self._open()

    def close(self) -> None:
        """Leave the counters to the other workers."""
        self._words.release()
        self._file.close()

    def check_file(self) -> None:
        """Use the file that is at the path now, if another one is. Raises StoreUnreadableError."""
        if self._file.is_current():
            return
        old_words, old_file = self._words, self._file
        self._open()
        old_words.release()
        old_file.close()

    def take(self, limits: Sequence[Limit]) -> Verdict:
        """Count a request at all of its limits, or at none if it does not fit one.

        Raises StoreUnreadableError if the file cannot be locked.
        """
        homes = [self._homes.get(limit.key) or self._home(limit) for limit in limits]
        buckets = [homes[0].bucket] if len(homes) == 1 else sorted({home.bucket for home in homes})
        descriptor, lock = self._file.descriptor, fcntl.lockf
        try:
            for bucket in buckets:
                lock(descriptor, fcntl.LOCK_EX, 1, bucket)
            try:
                return self._count(limits, homes)
            finally:
                for bucket in buckets:
                    lock(descriptor, fcntl.LOCK_UN, 1, bucket)
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _count(self, limits: Sequence[Limit], homes: Sequence[_Home]) -> Verdict:
        # Under the locks: while this worker waited for them, another may have opened a window.
        now = self._clock()
        places: list[int] = []
        windows: list[Window] = []
        for number, limit in enumerate(limits):
            place, window = self._find(homes[number], limit, places, now=now)
            places.append(place)
            windows.append(window)
        verdict = decide(limits, windows, now=now)
        if verdict.is_admitted:
            for number, window in enumerate(verdict.windows):
                self._write(homes[number], places[number], window)
        return verdict

    def _find(
        self, home: _Home, limit: Limit, taken: Sequence[int], *, now: int
    ) -> tuple[int, Window]:
        """Return the place of a counter, its own or a free one, and the window that is there."""
        words, bucket = self._words, home.bucket
        at = self._file.memory.find(home.digest, bucket, bucket + _DIGESTS_BYTES)
        first = (bucket + _DIGESTS_BYTES) // _WORD_BYTES
        if at >= 0:
            place = first + (at - bucket) // _DIGEST_BYTES * _WINDOW_WORDS
            # Free, it may just have gone to another counter of the same request.
            if place not in taken:
                return place, Window(words[place], words[place + 1], words[place + 2])
        behind = first + PLACES * _WINDOW_WORDS
        for place in range(first, behind, _WINDOW_WORDS):
            if not words[place + 1] <= now < words[place + 2] and place not in taken:
                return place, NO_WINDOW
        if now - self._warned_at >= _WARN_AGAIN:
            self._warned_at = now
            log.warning("the counters are full, requests are refused: %s", self._path)
        first_end = min(words[place + 2] for place in range(first, behind, _WINDOW_WORDS))
        return behind, Window(limit.requests, now, max(first_end, now + 1))

    def _write(self, home: _Home, place: int, window: Window) -> None:
        """Keep a window.

        Every step leaves something true, as the worker may be killed behind it: a word is written
        whole, and until the last one is, a new window is over.
        """
        words = self._words
        if words[place + 1] == window.opened_at and words[place + 2] == window.ends_at:
            words[place] = window.used
            return
        number = (place - (home.bucket + _DIGESTS_BYTES) // _WORD_BYTES) // _WINDOW_WORDS
        at = home.bucket + number * _DIGEST_BYTES
        self._file.memory[at : at + _DIGEST_BYTES] = home.digest
        words[place], words[place + 1], words[place + 2] = window

    def _home(self, limit: Limit) -> _Home:
        # With a key of its own: nobody can choose addresses that share a bucket.
        key = limit.key.encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(key, digest_size=_DIGEST_BYTES, key=self._file.salt).digest()
        half = self._buckets // 2
        number = int.from_bytes(digest[:_WORD_BYTES], "big") % half
        if limit.scope is Scope.UNAUTHENTICATED:
            number += half
        if len(self._homes) >= _MOST_HOMES:
            self._homes.clear()
        home = self._homes[limit.key] = _Home(HEADER_BYTES + number * _BUCKET_BYTES, digest)
        return home

    def _open(self) -> None:
        boot = hashlib.blake2b(self._boot_id, digest_size=16).digest()
        kind = _KIND.pack(_NAME, _FORMAT, self._buckets, PLACES, boot)
        self._file = MappedFile(self._path, kind=kind, size=self._buckets * _BUCKET_BYTES)
        self._words = memoryview(self._file.memory).cast("Q")
        self._homes: dict[str, _Home] = {}


def counters_path(store_path: Path) -> Path:
    """Return where the counters of a store are."""
    return Path(f"{store_path}.counters")


def _read_boot_id() -> bytes:
    """Return what is another one after a restart; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_bytes()
    except OSError:
        return b""
