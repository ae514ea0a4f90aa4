"""The API Store: the web pages on which subscribers get their keys.

::

    the way of a request    site, routes, entrance, the page's own module, rendering, answers
    what a page is given    visits (the request, who is behind it), forms, tools
    what it ends in         replies; repeats keeps the answer to a form that is sent twice
    all addresses           pages; each of these declares its own, beside it what it consists of:

    log_in, sign_up, profile    passwords
    apis, api                   resources
    try_it (the console)        calls (what is typed), caller (sends it), verdicts, gateway
    applications
    subscriptions, keys         panels, made, curl
    tokens, token_check
    admin/                      users, applications, subscriptions, APIs, tiers, the audit log

    of all of them              confirmation, lists, wording
"""
