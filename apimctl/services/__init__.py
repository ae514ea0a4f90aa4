"""Use cases, one module per noun, shared by the command line, the Login API and the portal.

Every function takes the connection of the transaction it works in (`apimctl.store`), and time
(`now`, UTC epoch seconds) and randomness (`random`, a function from a length to so many random
bytes) where it needs them. A change that the gateway must obey is announced in that same
transaction (`apimctl.tables.changes`).
"""
