import pytest

from benchmarks.packages import MissingPeerError, install_npm


def test_a_peer_that_cannot_be_installed_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPeerError, match="npm is not on the PATH"):
        install_npm("express-gateway", tmp_path / "peer")
