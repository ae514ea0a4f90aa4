"""Refusals of the Login API that say when to come again."""

from authlib.oauth2.rfc6749 import OAuth2Error

TOO_MANY_WRONG_PASSWORDS = "Too many wrong passwords: Retry-After says how long to wait."
TOO_MANY_WRONG_SECRETS = "Too many wrong client secrets: Retry-After says how long to wait."
TOO_MANY_LOG_INS = "Too many users log in at once."
STORE_AWAY = "The store cannot be used right now."
USER_STORE_AWAY = "The user store cannot be asked right now."


class ComeAgainError(OAuth2Error):  # type: ignore[misc]
    """The request cannot be answered now, and may be in `retry_after_seconds`.

    No error of RFC 6749 section 5.2 says that; ``temporarily_unavailable`` of section 4.1.2.1 does.
    """

    error = "temporarily_unavailable"

    def __init__(self, description: str, *, status: int, retry_after_seconds: int = 1) -> None:
        super().__init__(description=description, status_code=status)
        self.retry_after_seconds = retry_after_seconds

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer, Retry-After among them (RFC 9110 section 10.2.3)."""
        return [*super().get_headers(), ("Retry-After", str(self.retry_after_seconds))]
