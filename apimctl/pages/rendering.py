"""Templates and their one stylesheet, read once. Whatever stands in a page is escaped."""

import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
STYLE = files("apimctl.pages").joinpath("style.css").read_bytes()
STYLE_PATH = f"/-/pages/style.{hashlib.sha256(STYLE).hexdigest()[:16]}.css"
"""It changes with what is in it, so that a browser may keep it for ever."""

_TEMPLATES = Environment(
    loader=PackageLoader("apimctl.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, *, root: str, **values: Any) -> bytes:
    """Return a page. `root` leads from its address to the front door: ``""``, ``../``.

    All links are relative: the gateway may stand behind a proxy, under a path of its own.
    """
    page = _TEMPLATES.get_template(template)
    style = root + STYLE_PATH.removeprefix("/")
    return page.render(root=root, style=style, **values).encode()
