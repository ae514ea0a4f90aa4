"""Counters of requests, shared by all workers of one machine, and exact.

One file beside the store, mapped into the memory of every worker, and cut into stripes of buckets.
A counter lives in one of the 64 places of a bucket: the limit's holder chooses the stripe, its key
the bucket there. All limits of a request have one holder, so whoever counts holds one lock, however
many limits there are: that of the stripe's first byte (``fcntl.lockf``). The kernel drops the locks
of a worker that dies; what it counted stays. Locks are held for microseconds. Behind a worker that
was stopped with one, others wait for a moment and then refuse.

A place whose window is over is free. A bucket whose 64 windows are all open refuses what it does
not know until the first of them ends: a limit of N never admits more than N, and the log says so.
Requests without a token have stripes of their own, so a flood from many addresses leaves the
counters of applications alone. There are 131,072 places, 8192 to a stripe, in 5 MiB; up to half of
them taken, no bucket is ever full in practice.

The times in the file are those of the monotonic clock, which starts anew with the machine, and so
does the file.
"""

import fcntl
import hashlib
import logging
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from apimctl.domain.quota import NANOSECONDS, NO_WINDOW, Limit, Scope, Verdict, Window, decide
from apimctl.edge.mapped_file import HEADER_BYTES, MappedFile, unreadable
from apimctl.errors import StoreUnreadableError

PLACES = 64
BUCKETS = 2048
STRIPES = 16
"""Of buckets and of stripes, the first half for requests with a token, the second for the others.

More stripes: less waiting for another one's lock. Fewer: more room for a single application.
"""

_NAME = b"apimctl counters"
_FORMAT = 2
_KIND = struct.Struct("@16sQQQQ16s")
"""Name, format, buckets, stripes, places, boot."""

_DIGEST_BYTES = 16
_PLACE = struct.Struct(f"@{_DIGEST_BYTES}sQQQ")
"""The digest of a key, and its window."""

_WORD_BYTES = 8
_DIGEST_WORDS = _DIGEST_BYTES // _WORD_BYTES
_BUCKET_BYTES = PLACES * _PLACE.size
_TRY = fcntl.LOCK_EX | fcntl.LOCK_NB

_PAUSES_SECONDS = (0.0,) * 50 + (0.0005,) * 500
"""Between one attempt at a lock and the next: all together a quarter of a second."""

_MOST_HOMES = 100_000
_WARN_AGAIN = 60 * NANOSECONDS
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger("apimctl.gateway")


@dataclass(slots=True)
class _Home:
    """Where the counter of a key is looked for: in a bucket of a stripe, first where it was last.

    All but the digest are offsets in the file.
    """

    stripe: int
    bucket: int
    digest: bytes
    place: int


class Counters:
    """The counters of one store, for one process: its locks do not hold between threads."""

    def __init__(
        self,
        path: Path,
        *,
        buckets: int = BUCKETS,
        stripes: int = STRIPES,
        clock: Callable[[], int] = time.monotonic_ns,
        boot_id: bytes | None = None,
    ) -> None:
        """Open the file, or make it anew. Raises StoreUnreadableError.

        `clock` is the same for all processes, in nanoseconds. `boot_id` tells its starts apart.
        """
        self._path = path
        self._buckets = buckets
        self._stripes = stripes
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

        They have one holder. Raises StoreUnreadableError if the file cannot be locked.
        """
        homes = [self._homes.get(limit.key) or self._home(limit) for limit in limits]
        stripe = homes[0].stripe
        descriptor, lock = self._file.descriptor, fcntl.lockf
        try:
            try:
                lock(descriptor, _TRY, 1, stripe)
            except BlockingIOError:
                self._wait_for(stripe)
            try:
                self._kept_by_others.discard(stripe)
                return self._count(limits, homes)
            finally:
                lock(descriptor, fcntl.LOCK_UN, 1, stripe)
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _wait_for(self, stripe: int) -> None:
        """Lock a stripe that another worker has locked. Raises StoreUnreadableError if it stays so.

        All requests of this worker wait: for a lock that was waited for in vain, not once more.
        """
        for pause in () if stripe in self._kept_by_others else _PAUSES_SECONDS:
            time.sleep(pause)  # noqa: TID251 - a lock that becomes free tells nobody
            try:
                fcntl.lockf(self._file.descriptor, _TRY, 1, stripe)
            except BlockingIOError:
                continue
            return
        self._kept_by_others.add(stripe)
        raise StoreUnreadableError(
            f"the file {self._path} cannot be used: another process keeps a part of it locked",
            hint="Look for a gateway that is stopped or hangs.",
        )

    def _count(self, limits: Sequence[Limit], homes: Sequence[_Home]) -> Verdict:
        # Under the lock: while this worker waited for it, another may have opened a window.
        now = self._clock()
        memory = self._file.memory
        places: list[int] = []
        windows: list[Window] = []
        for number, home in enumerate(homes):
            place = home.place
            digest, used, opened_at, ends_at = _PLACE.unpack_from(memory, place)
            if digest == home.digest and place not in places:
                windows.append((used, opened_at, ends_at))
            else:
                place, window = self._find(home, limits[number], places, now=now)
                windows.append(window)
            places.append(place)
        verdict = decide(limits, windows, now=now)
        if verdict.is_admitted:
            for number, window in enumerate(verdict.windows):
                self._write(homes[number], places[number], window)
        return verdict

    def _find(
        self, home: _Home, limit: Limit, taken: Sequence[int], *, now: int
    ) -> tuple[int, Window]:
        """Return the place of a counter, its own or a free one, and the window that is there."""
        memory, bucket_end = self._file.memory, home.bucket + _BUCKET_BYTES
        own = memory.find(home.digest, home.bucket, bucket_end)
        if own >= 0 and own not in taken:  # free, it may have gone to another of the request
            home.place = own
            _, used, opened_at, ends_at = _PLACE.unpack_from(memory, own)
            return own, (used, opened_at, ends_at)
        ends = []
        for place in range(home.bucket, bucket_end, _PLACE.size):
            _, _, opened_at, ends_at = _PLACE.unpack_from(memory, place)
            if opened_at <= now < ends_at:
                ends.append(ends_at)
            elif place not in taken:
                return place, NO_WINDOW
        if now - self._warned_at >= _WARN_AGAIN:
            self._warned_at = now
            log.warning("the counters are full, requests are refused: %s", self._path)
        return 0, (limit.requests, now, min(ends, default=now + 1))

    def _write(self, home: _Home, place: int, window: Window) -> None:
        """Keep a window.

        Every step leaves something true, as the worker may be killed behind it: a word is written
        whole, and until the last one is, a new window is over.
        """
        words, word = self._words, place // _WORD_BYTES + _DIGEST_WORDS
        used, opened_at, ends_at = window
        if words[word + 1] == opened_at and words[word + 2] == ends_at:
            words[word] = used
            return
        home.place = place
        self._file.memory[place : place + _DIGEST_BYTES] = home.digest
        words[word], words[word + 1], words[word + 2] = window

    def _home(self, limit: Limit) -> _Home:
        stripe = int.from_bytes(self._digest(limit.holder)[:_WORD_BYTES]) % (self._stripes // 2)
        if limit.scope is Scope.UNAUTHENTICATED:
            stripe += self._stripes // 2
        digest = self._digest(limit.key)
        buckets = self._buckets // self._stripes
        start = HEADER_BYTES + stripe * buckets * _BUCKET_BYTES
        bucket = start + int.from_bytes(digest[:_WORD_BYTES]) % buckets * _BUCKET_BYTES
        if len(self._homes) >= _MOST_HOMES:
            self._homes.clear()
        home = self._homes[limit.key] = _Home(start, bucket, digest, place=bucket)
        return home

    def _digest(self, text: str) -> bytes:
        # With a key of its own: nobody can choose addresses that share a bucket.
        content = text.encode("utf-8", "surrogateescape")
        return hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=self._file.salt).digest()

    def _open(self) -> None:
        boot = hashlib.blake2b(self._boot_id, digest_size=16).digest()
        kind = _KIND.pack(_NAME, _FORMAT, self._buckets, self._stripes, PLACES, boot)
        self._file = MappedFile(self._path, kind=kind, size=self._buckets * _BUCKET_BYTES)
        self._words = memoryview(self._file.memory).cast("Q")
        self._homes: dict[str, _Home] = {}
        self._kept_by_others: set[int] = set()


def counters_path(store_path: Path) -> Path:
    """Return where the counters of a store are."""
    return Path(f"{store_path}.counters")


def _read_boot_id() -> bytes:
    """Return what is another one after a restart; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_bytes()
    except OSError:
        return b""
