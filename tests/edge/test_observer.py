import pytest

from apimctl import config
from apimctl.edge.observer import Observer
from apimctl.errors import ApimctlError


def test_metrics_that_cannot_be_kept_are_said_with_the_folder(tmp_path):
    settings = config.load({"db": str(tmp_path / "a.db")}, environ={"HOME": str(tmp_path)})
    gone = tmp_path / "gone"
    with pytest.raises(ApimctlError, match=f"kept in {gone}: no such file") as error:
        Observer(settings, folder=gone, worker=0, count_connections=int)
    assert "TMPDIR" in error.value.hint
