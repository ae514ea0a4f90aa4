import os
import signal

import pytest

from apimctl.demo.interruption import ENDING_SIGNALS, Interruption


def send(number):
    os.kill(os.getpid(), number)


def test_a_signal_ends_a_wait_and_nothing_else():
    steps = []

    def demo():
        with Interruption() as interruption:
            send(signal.SIGTERM)
            steps.append("worked")
            with interruption.waiting():
                steps.append("waited")

    with pytest.raises(SystemExit, match="143"):
        demo()
    assert steps == ["worked"]


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_each_signal_says_how_it_ends(number):
    def demo():
        with Interruption() as interruption, interruption.waiting():
            send(number)
            pytest.fail("the wait was not ended")

    with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else SystemExit):
        demo()


def test_a_second_signal_does_not_disturb_the_cleanup():
    steps = []

    def demo():
        with Interruption() as interruption:
            try:
                with interruption.waiting():
                    send(signal.SIGTERM)
            finally:
                send(signal.SIGINT)
                with interruption.waiting():
                    send(signal.SIGTERM)
                steps.append("clean")

    with pytest.raises(SystemExit, match="143"):
        demo()
    assert steps == ["clean"]


def test_a_signal_that_ended_no_wait_is_obeyed_at_the_end():
    with pytest.raises(KeyboardInterrupt), Interruption():
        send(signal.SIGINT)


def test_without_a_signal_nothing_happens_and_the_handlers_are_back():
    before = [signal.getsignal(number) for number in ENDING_SIGNALS]
    with Interruption() as interruption, interruption.waiting():
        assert [signal.getsignal(number) for number in ENDING_SIGNALS] != before
    assert [signal.getsignal(number) for number in ENDING_SIGNALS] == before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption, interruption.waiting():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
