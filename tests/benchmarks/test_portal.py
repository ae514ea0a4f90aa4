import pytest

from benchmarks.portal import PATHS, make_shop, measure, measure_within


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_the_store_as_often_however_much_there_is(tmp_path, path):
    shops = [make_shop(tmp_path / f"{count}.db", count=count) for count in (1, 30)]
    few, many = (measure_within(shop, path, rounds=1).statements for shop in shops)
    assert few == many < 25


def test_each_page_is_asked_for_beside_a_bare_one(tmp_path):
    shop = make_shop(tmp_path / "bench.db", count=2)
    assert shop.secret not in repr(shop)
    found = measure(shop, rounds=2)
    assert list(found) == list(PATHS)
    assert all(figures.ratio > 0 for figures in found.values())
