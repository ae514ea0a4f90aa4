"""Asking once more, on a page of its own: what will happen, and the button that does it."""

from collections.abc import Mapping, Sequence

from apimctl.portal.replies import Page


def ask(
    question: str,
    *,
    says: Sequence[str],
    button: str,
    back: str,
    seen: str,
    fields: Mapping[str, str] | None = None,
) -> Page:
    """Return the page. Its form is sent to the page's own address, with the fingerprint `seen`.

    `says` are sentences on what will happen, `back` is the path for who does not want it, `fields`
    what the form is to bring along.
    """
    return Page(
        "confirmation.html",
        {
            "question": question,
            "says": says,
            "button": button,
            "back": back,
            "seen": seen,
            "fields": fields or {},
        },
    )
