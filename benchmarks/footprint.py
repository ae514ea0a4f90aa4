"""What a gateway occupies: memory, descriptors, threads, and the files of its store."""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import family

MIB = 1 << 20
_PSS = re.compile(r"^Pss: +(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Footprint:
    """Of the supervisor and its workers together. Sizes in MiB; shared pages count once."""

    memory_mib: float
    descriptors: int
    threads: int
    processes: int
    wal_mib: float
    store_mib: float


def footprint(process_id: int, store: Path) -> Footprint:
    """Return what a gateway occupies now; a process that ends meanwhile counts for nothing."""
    kib = descriptors = threads = processes = 0
    for pid in family(process_id):
        folder = Path(f"/proc/{pid}")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            kib += sum(map(int, _PSS.findall((folder / "smaps_rollup").read_text())))
            descriptors += len(list((folder / "fd").iterdir()))
            threads += len(list((folder / "task").iterdir()))
            processes += 1
    return Footprint(
        memory_mib=kib / 1024,
        descriptors=descriptors,
        threads=threads,
        processes=processes,
        wal_mib=_size(store.with_name(f"{store.name}-wal")) / MIB,
        store_mib=_size(store) / MIB,
    )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
