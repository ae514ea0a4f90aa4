import sys

import pytest

from benchmarks.processes import NotStartedError, cpu_seconds, free_port, memory_mib, running

BURNT_SECONDS = 0.4
HELD_MIB = 64

CHILD = f"""
import socket, sys, time
held = bytearray(b"x" * ({HELD_MIB} << 20))
while time.process_time() < {BURNT_SECONDS}:
    pass
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    sys.stdin.read()
"""

PARENT = """
import signal, subprocess, sys, threading
def start():
    subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE).wait()
threading.Thread(target=start, daemon=True).start()
signal.pause()
"""


def test_what_a_child_uses_counts_whichever_thread_started_it():
    port = free_port()
    with running([sys.executable, "-c", PARENT, CHILD, str(port)], port, core="0") as process_id:
        # The kernel counts in ticks; without the child it would be next to nothing.
        assert cpu_seconds(process_id) > BURNT_SECONDS / 2
        assert memory_mib(process_id) >= HELD_MIB


def test_a_server_that_does_not_start_says_why():
    say = "import sys; sys.exit('no room here')"
    with (
        pytest.raises(NotStartedError, match="no room here"),
        running([sys.executable, "-c", say], free_port(), core="0"),
    ):
        raise AssertionError("it runs")


def test_a_proxy_of_the_user_is_not_measured(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    say = "import os, sys; sys.exit(f'proxies: {[n for n in os.environ if \"proxy\" in n]}')"
    with (
        pytest.raises(NotStartedError, match=r"proxies: \[\]"),
        running([sys.executable, "-c", say], free_port(), core="0"),
    ):
        raise AssertionError("it runs")
