"""All pages of the API Store, as one table: each module declares its own."""

from apimctl.portal import api, apis, keys, log_in, subscriptions, try_it

ROUTES = (
    *log_in.ROUTES,
    *apis.ROUTES,
    *api.ROUTES,
    *try_it.ROUTES,
    *subscriptions.ROUTES,
    *keys.ROUTES,
)
