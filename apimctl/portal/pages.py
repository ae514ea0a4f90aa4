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
)
from apimctl.portal.admin import pages as admin

ROUTES = (
    *log_in.ROUTES,
    *sign_up.ROUTES,
    *profile.ROUTES,
    *apis.ROUTES,
    *api.ROUTES,
    *applications.ROUTES,
    *subscriptions.ROUTES,
    *keys.ROUTES,
    *admin.ROUTES,
)
