"""All pages of the API Store, as one table: each module declares its own."""

from apimctl.portal import apis, keys, log_in, subscriptions
from apimctl.portal.admin import pages as admin

ROUTES = (*log_in.ROUTES, *apis.ROUTES, *subscriptions.ROUTES, *keys.ROUTES, *admin.ROUTES)
