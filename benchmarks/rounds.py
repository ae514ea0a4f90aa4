"""Peers in rotation: what the machine does to one round, it does to all of them."""

import contextlib
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console

from benchmarks.calls import WrongAnswerError, ask
from benchmarks.load import Run, put_load
from benchmarks.packages import MissingPeerError
from benchmarks.peers import Peer
from benchmarks.processes import NotStartedError

WARM_UP_SECONDS = 2

console = Console(stderr=True)


@dataclass(frozen=True)
class Plan:
    """How often, how long and how hard each peer is loaded."""

    rounds: int
    seconds: int
    connections: int


@dataclass(frozen=True)
class Ratio:
    """Median, smallest and largest ratio of all rounds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Requests a second, and processor time per request, each as a ratio."""

    throughput: Ratio
    cpu: Ratio


def start_all(
    up: contextlib.ExitStack, starts: Iterable[contextlib.AbstractContextManager[Peer]]
) -> list[Peer]:
    """Start the peers that run on this machine, and say which ones do not."""
    peers = []
    for start in starts:
        try:
            peers.append(up.enter_context(start))
        except (MissingPeerError, NotStartedError) as missing:
            console.print(f"skipped: {missing}")
    return peers


def measure(peers: Sequence[Peer], plan: Plan) -> dict[str, list[Run]]:
    """Return the runs of each peer, a round after the other.

    Raises WrongAnswerError, FailedLoadError.
    """
    for peer in peers:
        check_answer(peer)
        _run(peer, plan, seconds=WARM_UP_SECONDS)
    runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
    for number in range(plan.rounds):
        for peer in peers:
            console.print(f"round {number + 1} of {plan.rounds}: {peer.name}")
            runs[peer.name].append(_run(peer, plan, seconds=plan.seconds))
    return runs


def check_answer(peer: Peer) -> None:
    """Ask once. Raises WrongAnswerError."""
    answer = ask(peer.call)
    if peer.answer is not None and answer != peer.answer:
        raise WrongAnswerError(f"{peer.name} answers {answer[:80]!r}")


def median(runs: Sequence[Run]) -> Run:
    """Return the run whose every figure is the median of these."""
    return Run(
        requests=sum(run.requests for run in runs),
        **{
            name: statistics.median(getattr(run, name) for run in runs)
            for name in ("requests_per_second", "p50_ms", "p99_ms", "cpu_us")
        },
    )


def compare(runs: Sequence[Run], others: Sequence[Run]) -> Comparison:
    """Return these runs in terms of the others, round by round."""
    pairs = list(zip(runs, others, strict=True))
    return Comparison(
        throughput=_ratio(a.requests_per_second / b.requests_per_second for a, b in pairs),
        cpu=_ratio(a.cpu_us / b.cpu_us for a, b in pairs),
    )


def _ratio(values: Iterable[float]) -> Ratio:
    of_rounds = sorted(values)
    return Ratio(statistics.median(of_rounds), of_rounds[0], of_rounds[-1])


def _run(peer: Peer, plan: Plan, *, seconds: int) -> Run:
    return put_load(
        peer.call, process_id=peer.process_id, seconds=seconds, connections=plan.connections
    )
