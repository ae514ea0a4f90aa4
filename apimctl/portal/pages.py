"""All pages of the API Store, as one table: each module declares its own."""

from apimctl.portal import (
    api,
    apis,
    applications,
    keys,
    log_in,
    profile,
    sign_up,
    subscriptions,
    token_check,
    tokens,
    try_it,
)
from apimctl.portal.admin import pages as admin

ROUTES = (
    *log_in.ROUTES,
    *sign_up.ROUTES,
    *profile.ROUTES,
    *apis.ROUTES,
    *api.ROUTES,
    *try_it.ROUTES,
    *applications.ROUTES,
    *subscriptions.ROUTES,
    *keys.ROUTES,
    *tokens.ROUTES,
    *token_check.ROUTES,
    *admin.ROUTES,
)
