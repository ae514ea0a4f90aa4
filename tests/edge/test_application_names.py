import random

import pytest

from apimctl.edge.application_names import ApplicationNames
from apimctl.services import applications
from apimctl.services.applications import ApplicationForm
from tests.conftest import NOW


@pytest.fixture
def names(store):
    opened = ApplicationNames(store.path)
    opened.refresh()
    yield opened
    opened.close()


def create(store, name):
    made = {"owner": "admin", "form": ApplicationForm()}
    with store.transaction() as db:
        return applications.create(db, name, **made, now=NOW, random=random.Random(name).randbytes)


def test_an_application_is_called_by_its_name_and_owner(names):
    assert names.find("default") == ("DefaultApplication", "admin")


def test_one_that_is_unknown_or_deleted_is_called_by_its_id(store, names):
    assert names.find("nobody") == ("nobody", "")
    made = create(store, "shop")
    names.refresh()
    assert names.find(made.id) == ("shop", "admin")
    with store.transaction() as db:
        applications.delete(db, made)
    assert names.find(made.id) == ("shop", "admin")
    names.refresh()
    assert names.find(made.id) == (made.id, "")


def test_without_a_store_known_names_stay_and_others_wait_for_it(store, names):
    away = store.path.with_name("away.db")
    made = create(store, "shop")
    names.refresh()
    assert names.find("default").name == "DefaultApplication"
    store.path.rename(away)
    names.refresh()
    assert names.find("default").name == "DefaultApplication"
    assert names.find(made.id) == (made.id, "")
    away.rename(store.path)
    names.refresh()
    assert names.find(made.id) == ("shop", "admin")


def test_a_store_that_was_never_there_names_nobody(tmp_path):
    names = ApplicationNames(tmp_path / "none.db")
    names.refresh()
    assert names.find("default") == ("default", "")
    names.close()
