"""What pages consist of beside their text: read once, at addresses that change with the content."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that every page refers to. A browser may keep it for ever."""

    path: str
    content_type: str
    content: bytes


def read(name: str, content_type: str, *, package: str) -> Asset:
    """Return a file of a package as an asset: ``style.css`` at ``/-/pages/style.DIGEST.css``."""
    content = files(package).joinpath(name).read_bytes()
    stem, _, suffix = name.partition(".")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(f"/-/pages/{stem}.{digest}.{suffix}", content_type, content)


STYLE = read("style.css", "text/css; charset=utf-8", package=__package__)
ICON = read("icon.svg", "image/svg+xml", package=__package__)
