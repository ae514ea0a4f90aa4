"""A client as each request to the Login API asks for it: all that is known of it in one statement.

A statement lets go of the interpreter's lock, and the event loop takes it: of ``/token``, fewer
statements are worth more than faster ones.
"""

from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.attempts import NO_FAILURES, Failures
from apimctl.domain.models import Application, Key
from apimctl.tables import applications, keys

_KEY = (
    "consumer_key, application_id, key_type, allowed_domains, validity_seconds,"
    " current_token_id, application_key.created_at"
)
_KEY_COLUMNS = 7

_FIND = f"""
    SELECT {_KEY},
        EXISTS (
            SELECT 1 FROM consumer_secret
            WHERE digest = :digest AND consumer_secret.consumer_key = application_key.consumer_key
            AND (expires_at IS NULL OR expires_at > :now)
        ),
        failures, blocked_until, forgotten_at,
        {applications.COLUMNS}
    FROM application_key
    JOIN application ON application.id = application_id
    JOIN user_account ON user_account.id = owner_id
    LEFT JOIN failed_attempt ON subject = :subject
    WHERE consumer_key = :consumer_key
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A key with its application, whether a secret is one of its own, and what went wrong before.

    A secret that has ended is none.
    """

    key: Key
    application: Application
    has_secret: bool
    failures: Failures


def find(db: Connection, consumer_key: str, *, digest: str, subject: str, now: int) -> Found | None:
    """Return the client of that consumer key, None if there is none.

    `digest` is of the secret that was sent, `subject` what its failures are counted under. The
    digest is looked up as a token's is: how long that takes tells nothing of the secret.
    """
    values = {"consumer_key": consumer_key, "digest": digest, "subject": subject, "now": now}
    row = db.execute(_FIND, values).fetchone()
    if row is None:
        return None
    has_secret, failures, blocked_until, forgotten_at = row[_KEY_COLUMNS : _KEY_COLUMNS + 4]
    return Found(
        keys.from_row(row[:_KEY_COLUMNS]),
        applications.from_row(row[_KEY_COLUMNS + 4 :]),
        bool(has_secret),
        NO_FAILURES if failures is None else Failures(failures, blocked_until, forgotten_at),
    )
