"""All pages of the API Store, as one table: each module declares its own."""

from apimctl.portal import api, apis, applications, keys, log_in, subscriptions

ROUTES = (
    *log_in.ROUTES,
    *apis.ROUTES,
    *api.ROUTES,
    *applications.ROUTES,
    *subscriptions.ROUTES,
    *keys.ROUTES,
)
