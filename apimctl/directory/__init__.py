"""Asks LDAP directories who a user is (RFC 4511): sansldap's protocol over asyncio's sockets.

Nothing here blocks the event loop, and everything ends within the user store's timeout: a directory
that hangs holds up nobody but its own users.
"""
