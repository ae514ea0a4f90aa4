"""`apimctl demo`: the product played through once, in a throw-away place, by the real binary.

`story` says which calls are made and what they should answer, `stage` is the place they are made
in, `backend` is the API that is called.
"""
