"""What a browser is told about our pages: nothing but our own style, no frames, nothing kept."""

from collections.abc import Iterable

Headers = list[tuple[str, str]]


def page_headers(*, leads_to: Iterable[str] = (), has_script: bool = False) -> Headers:
    """Return the headers of a page.

    `leads_to` are the schemes of where its forms may lead in the end: Chromium asks
    ``form-action`` of every redirect behind a form, also of those of other sites. A script may only
    be a file of ours.
    """
    targets = " ".join(["'self'", *(f"{scheme}:" for scheme in leads_to)])
    script = "script-src 'self'; " if has_script else ""
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; {script}form-action {targets}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return [
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Pragma", "no-cache"),
    ]


ASSET_HEADERS: Headers = [
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("X-Content-Type-Options", "nosniff"),
]
