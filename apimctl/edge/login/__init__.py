"""The Login API: OAuth 2 endpoints on the gateway's ports. SPEC section 4."""
