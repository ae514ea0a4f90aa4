"""What the Login API writes into the audit log."""

from typing import Any

from apimctl.domain.models import AccessToken, RefreshToken
from apimctl.edge.login.clients import Client
from apimctl.edge.login.context import LoginRequest
from apimctl.services import audit


def record(
    request: LoginRequest, action: str, token: AccessToken | RefreshToken, **details: Any
) -> None:
    """Write what an authenticated client does to a token, as `apimctl.services.audit` has it."""
    context = request.context
    client: Client = request.client
    audit.record_token(
        context.db,
        action,
        token,
        key=client.key,
        application=client.application,
        now=context.now,
        **details,
    )
