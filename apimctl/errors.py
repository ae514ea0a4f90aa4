"""What can go wrong, as one tree.

::

    ApimctlError            exit 1    500  unexpected
    ├── UsageError          exit 2    400  usage             the command line or the form is wrong
    ├── NotFoundError       exit 3    404  not_found         a name that does not exist
    ├── DeniedError         exit 4    403  denied            not allowed, or not confirmed
    ├── ConflictError       exit 5    409  conflict          clashes with what is there
    ├── InvalidInputError   exit 6    422  invalid_input     a value that cannot be
    └── StoreError          exit 7    503  store_unavailable
        ├── StoreBusyError                 store_busy        another process holds it
        ├── StoreUnreadableError           store_unreadable  not a file, not ours, no rights
        ├── StoreNewerError                store_newer       made by a later apimctl
        └── UserStoreError                 user_store_unavailable  a directory that does not answer

Every error says what happened; its hint says what to try. Expected outcomes of the request path
(a refused token, say) are values, not errors: see `apimctl.domain.admission`.
Exit codes: SPEC section 8.
"""

from typing import ClassVar


class ApimctlError(Exception):
    """An error a user can read: one line of what happened, one of what to try."""

    code: ClassVar[str] = "unexpected"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ApimctlError):
    """The command line is wrong: an option's value, or two options that exclude each other."""

    code = "usage"
    exit_code = 2
    http_status = 400


class NotFoundError(ApimctlError):
    """Something was named that does not exist."""

    code = "not_found"
    exit_code = 3
    http_status = 404


class DeniedError(ApimctlError):
    """The caller may not do this, or did not confirm it."""

    code = "denied"
    exit_code = 4
    http_status = 403


class ConflictError(ApimctlError):
    """What is asked for clashes with what is there."""

    code = "conflict"
    exit_code = 5
    http_status = 409


class InvalidInputError(ApimctlError):
    """A value that cannot be: a bad URL, context, domain or name."""

    code = "invalid_input"
    exit_code = 6
    http_status = 422


class StoreError(ApimctlError):
    """The store cannot be used."""

    code = "store_unavailable"
    exit_code = 7
    http_status = 503


class StoreBusyError(StoreError):
    """Another process kept the store locked for longer than the busy timeout."""

    code = "store_busy"


class StoreUnreadableError(StoreError):
    """The path is a folder, no database, another program's database, or not ours to open."""

    code = "store_unreadable"


class StoreNewerError(StoreError):
    """A later version of apimctl made or migrated this store."""

    code = "store_newer"


class UserStoreError(StoreError):
    """A user store cannot say who a user is: its directory is away, or refuses us."""

    code = "user_store_unavailable"


def explain(error: Exception) -> ApimctlError:
    """Return any error as one a user can read; what is not foreseen is a defect."""
    match error:
        case ApimctlError():
            return error
        case OSError():
            return ApimctlError(f"the system refused: {error}")
    return ApimctlError(
        f"unexpected {type(error).__name__}: {error}",
        hint="This is a defect of apimctl; APIMCTL_DEBUG=1 shows where it happened.",
    )
