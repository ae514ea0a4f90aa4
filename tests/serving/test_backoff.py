from apimctl.serving.backoff import Backoff


def pauses(backoff, served):
    return [round(backoff.pause(served_seconds=seconds), 3) for seconds in served]


def test_pauses_grow_up_to_a_limit():
    grown = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    assert pauses(Backoff(), [0.0] * 12) == grown


def test_who_served_long_falls_for_the_first_time_again():
    assert pauses(Backoff(), [0.0, 9.9, 0.0, 10.0, 0.0]) == [0.0, 0.1, 0.2, 0.0, 0.1]
