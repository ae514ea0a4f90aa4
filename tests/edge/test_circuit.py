from apimctl.edge.circuit import Circuits

BACKEND = "http://127.0.0.1:1"


def opened(failures=3, open_seconds=10):
    circuits = Circuits(failures=failures, open_seconds=open_seconds)
    for _ in range(failures):
        circuits.failed(BACKEND, now=100)
    return circuits


def test_a_backend_nobody_asked_yet_is_let_through():
    assert Circuits(failures=1, open_seconds=1).wait_seconds(BACKEND, now=0) == 0


def test_fewer_failures_than_it_takes_keep_a_circuit_closed():
    circuits = Circuits(failures=3, open_seconds=10)
    for _ in range(2):
        circuits.failed(BACKEND, now=100)
        assert circuits.wait_seconds(BACKEND, now=100) == 0


def test_enough_failures_in_a_row_open_it_for_its_time():
    circuits = opened()
    assert circuits.wait_seconds(BACKEND, now=100) == 10
    assert circuits.wait_seconds(BACKEND, now=109.5) == 0.5


def test_failures_that_are_not_in_a_row_do_not():
    circuits = Circuits(failures=2, open_seconds=10)
    for _ in range(5):
        circuits.failed(BACKEND, now=100)
        circuits.succeeded(BACKEND)
    assert circuits.wait_seconds(BACKEND, now=100) == 0


def test_after_its_time_one_request_goes_through_and_the_others_wait_on():
    circuits = opened()
    assert circuits.wait_seconds(BACKEND, now=110) == 0
    assert circuits.wait_seconds(BACKEND, now=110) == 10


def test_a_success_closes_it():
    circuits = opened()
    assert circuits.wait_seconds(BACKEND, now=110) == 0
    circuits.succeeded(BACKEND)
    assert circuits.wait_seconds(BACKEND, now=110) == 0
    circuits.failed(BACKEND, now=110)
    assert circuits.wait_seconds(BACKEND, now=110) == 0


def test_another_failure_opens_it_for_as_long_again():
    circuits = opened()
    assert circuits.wait_seconds(BACKEND, now=110) == 0
    circuits.failed(BACKEND, now=112)
    assert circuits.wait_seconds(BACKEND, now=112) == 10


def test_backends_do_not_share_a_circuit():
    assert opened().wait_seconds("http://127.0.0.1:2", now=100) == 0


def test_new_settings_count_for_circuits_that_are_open():
    circuits = opened(open_seconds=10)
    circuits.open_seconds = 2
    assert circuits.wait_seconds(BACKEND, now=101) == 1
