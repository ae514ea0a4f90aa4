import fcntl
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from apimctl.edge.log_sink import FILE_BYTES, PIPE_BYTES, Sink
from apimctl.errors import InvalidInputError
from tests.binary import TIMEOUT_SECONDS

APPENDING = """
import sys
from pathlib import Path
from apimctl.edge.log_sink import Sink
sink = Sink(Path(sys.argv[1]) if sys.argv[1] else None)
for number in range(300):
    sink.write((f"{sys.argv[2]} {number} " + "x" * int(sys.argv[3]) + "\\n").encode())
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "access.log"


@pytest.fixture
def sink(path):
    opened = Sink(path)
    yield opened
    opened.close()


def appending(path, *, lengths, stdout=None):
    """Let as many processes as there are lengths write lines of that length at the same time."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", APPENDING, path, str(number), str(length)], stdout=stdout
        )
        for number, length in enumerate(lengths)
    ]


def assert_whole(data: bytes, *, lengths) -> None:
    lines = data.decode().splitlines()
    expected = [
        f"{number} {index} {'x' * length}"
        for number, length in enumerate(lengths)
        for index in range(300)
    ]
    assert sorted(lines) == sorted(expected)


def test_a_file_is_made_for_its_owner_alone_and_appended_to(path):
    for line in (b"one\n", b"two\n"):
        sink = Sink(path)
        sink.write(line)
        sink.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_lines_of_several_processes_do_not_mix_in_a_file(path):
    lengths = (10, 5_000, 100_000)
    for process in appending(path, lengths=lengths):
        assert process.wait(TIMEOUT_SECONDS) == 0
    assert_whole(path.read_bytes(), lengths=lengths)


def test_the_lines_of_several_processes_do_not_mix_in_a_pipe():
    lengths = (10, 3_000, PIPE_BYTES - 10)
    receive, send = os.pipe()
    processes = appending("", lengths=lengths, stdout=send)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        assert_whole(pipe.read(), lengths=lengths)
    for process in processes:
        assert process.wait(TIMEOUT_SECONDS) == 0


def test_a_file_that_was_moved_away_is_left_when_it_is_told(path, sink):
    moved = path.with_name("access.log.1")
    sink.write(b"one\n")
    path.rename(moved)
    sink.write(b"two\n")
    sink.reopen()
    sink.write(b"three\n")
    assert (moved.read_bytes(), path.read_bytes()) == (b"one\ntwo\n", b"three\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_opened_again_leaves_the_old_one(path, sink):
    moved = path.with_name("access.log.1")
    path.rename(moved)
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        sink.reopen()
    sink.write(b"one\n")
    assert moved.read_bytes() == b"one\n"


@pytest.mark.parametrize("name", ["", "nowhere/access.log"])
def test_a_file_that_cannot_be_opened_is_refused(tmp_path, name):
    with pytest.raises(InvalidInputError, match="cannot be written"):
        Sink(tmp_path / name)


def test_a_named_pipe_that_nobody_reads_is_refused_and_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(InvalidInputError):
        Sink(path)


def test_a_named_pipe_is_written_as_a_pipe(path):
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = Sink(path)
    assert sink.longest_write == PIPE_BYTES
    assert os.get_blocking(sink._descriptor)
    sink.write(b"one\n")
    assert os.read(reader, 100) == b"one\n"
    sink.reopen()
    sink.close()
    os.close(reader)


def test_a_file_takes_more_at_once_than_a_pipe(sink):
    assert sink.longest_write == FILE_BYTES > PIPE_BYTES


def test_a_full_disk_takes_no_part_of_what_is_written(path):
    program = f"""
import resource, sys
from pathlib import Path
from apimctl.edge.log_sink import Sink
sink = Sink(Path(sys.argv[1]))
sink.write(b"whole\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, {resource.RLIM_INFINITY}))
try:
    sink.write(b"x" * 20_000 + b"\\n")
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, ({resource.RLIM_INFINITY}, {resource.RLIM_INFINITY}))
sink.write(b"whole again\\n")
"""
    result = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert result.stdout == "File too large\n"
    assert path.read_bytes() == b"whole\nwhole again\n"


def test_a_device_that_is_full_says_so():
    sink = Sink(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        sink.write(b"one\n")
    sink.close()


def test_a_pipe_whose_reader_has_left_says_so():
    receive, send = os.pipe()
    sink = Sink(None, stdout=send)
    os.close(receive)
    with pytest.raises(BrokenPipeError):
        sink.write(b"one\n")
    sink.close()
    os.close(send)


def test_a_full_pipe_is_waited_for_even_if_somebody_made_it_impatient():
    receive, send = os.pipe()
    fcntl.fcntl(send, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(send, False)
    sink = Sink(None, stdout=send)
    sink.write(b"x" * PIPE_BYTES)
    writing = threading.Thread(target=sink.write, args=(b"y" * PIPE_BYTES,))
    writing.start()
    with os.fdopen(receive, "rb") as pipe:
        assert pipe.read(PIPE_BYTES) == b"x" * PIPE_BYTES
        assert pipe.read(PIPE_BYTES) == b"y" * PIPE_BYTES
    writing.join(TIMEOUT_SECONDS)
    sink.close()
    os.close(send)
