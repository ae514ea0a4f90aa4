import os
import subprocess
import sys
from dataclasses import replace

import pytest

from apimctl import config
from apimctl.portal.gateway import reachable, url_for
from apimctl.services import gateways
from apimctl.tables.gateways import Gateway


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


def test_the_url_is_that_of_the_setting_else_of_one_that_runs_else_where_one_would(db, visit):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    assert url_for(visit, db) == "http://127.0.0.1:8280"
    rows = [("http://0.0.0.0:1", os.getpid()), ("https://0.0.0.0:2", os.getpid())]
    for url, process_id in (("https://dead.example", dead.pid), *rows):
        gateways.register(db, Gateway(url, url, process_id, "1", visit.now))
        visit = replace(visit, host="store.example:9443")
        shown = url_for(visit, db)
    assert shown == "https://store.example:2"
    # Behind a proxy the host that is asked may be the portal's own, or any that somebody made up.
    known = config.load({"portal.url": "https://shop.example:444"}, environ={})
    assert url_for(replace(visit, settings=known), db) == "https://shop.example:2"
    named = config.load({"portal.gateway_url": "https://api.example/gateway/"}, environ={})
    assert url_for(replace(visit, settings=named), db) == "https://api.example/gateway"
