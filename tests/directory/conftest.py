import pytest

from tests.slapd import running_slapd


@pytest.fixture(scope="session")
def slapd(tmp_path_factory):
    with running_slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running
