import pytest

from apimctl.portal.gateway import reachable


@pytest.mark.parametrize(
    ("url", "asked_host", "shown"),
    [
        ("http://127.0.0.1:8280", "store.example:9443", "http://127.0.0.1:8280"),
        ("https://0.0.0.0:8243", "store.example:9443", "https://store.example:8243"),
        ("https://[::]:8243", "store.example", "https://store.example:8243"),
        ("https://0.0.0.0:8243", "[2001:db8::1]:9443", "https://[2001:db8::1]:8243"),
        ("https://0.0.0.0:8243", "", "https://localhost:8243"),
        ("https://0.0.0.0:8243", "[oh", "https://localhost:8243"),
    ],
)
def test_a_gateway_on_every_address_has_the_host_that_the_browser_asked(url, asked_host, shown):
    assert reachable(url, asked_host=asked_host) == shown
