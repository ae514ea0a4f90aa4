"""Templates, read once. Whatever stands in a page is escaped."""

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from apimctl.pages.assets import ICON, STYLE

HTML = "text/html; charset=utf-8"


class Templates:
    """The templates of some packages; what the first does not have is looked for in the next."""

    def __init__(self, *packages: str) -> None:
        self.environment = Environment(
            loader=ChoiceLoader([PackageLoader(package) for package in packages]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, *, root: str, **values: Any) -> bytes:
        """Return a page. `root` leads from its address to the front door: ``""``, ``../``.

        All links are relative: the server may stand behind a proxy, under a path of its own.
        """
        page = self.environment.get_template(template)
        assets = {"style": STYLE.path, "icon": ICON.path}
        links = {name: root + path.removeprefix("/") for name, path in assets.items()}
        return page.render(root=root, **links, **values).encode()
