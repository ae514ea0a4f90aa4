"""A new password in a form: typed twice, as nobody sees what is typed."""

from aiohttp import hdrs

from apimctl.edge.login.passwords import Busy
from apimctl.errors import InvalidInputError
from apimctl.portal.forms import Form, Problem, problem_of
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit
from apimctl.services import users

PASSWORD, REPEATED = "password", "repeated"
"""The names of the two fields."""

SHORTEST = 8
"""Characters of a password that somebody chooses for themselves."""


def check_new(form: Form, *, is_optional: bool = False, shortest: int = 0) -> None:
    """Note what is wrong with the two fields; both may be empty where it is optional.

    `shortest` is how many characters it needs at least.
    """
    password, repeated = (form.typed.get(name, "") for name in (PASSWORD, REPEATED))
    if not password and (repeated or not is_optional):
        form.problems[PASSWORD] = Problem("Type a password")
    elif len(password) < shortest:
        form.problems[PASSWORD] = Problem(f"Use {shortest} characters or more")
    elif password != repeated:
        form.problems[REPEATED] = Problem("This is not the same password")
    elif password:
        try:
            users.check_password(password)
        except InvalidInputError as error:
            form.problems[PASSWORD] = problem_of(error)


async def hash_new(tools: Tools, visit: Visit, form: Form) -> str | None:
    """Return the hash of the password of a form that was checked, None for an empty one.

    Raises FormError where too many passwords are being checked right now.
    """
    password = form.typed.get(PASSWORD, "")
    if not password:
        return None
    hashed = await tools.passwords.hash(password, network=visit.network)
    if isinstance(hashed, Busy):
        raise form.refuse(
            "",
            "Many passwords are being checked right now",
            hint="Try again soon.",
            status=503,
            headers=((hdrs.RETRY_AFTER, "1"),),
        )
    return hashed
