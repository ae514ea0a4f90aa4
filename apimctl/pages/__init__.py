"""Web pages, rendered on the server: the authorization endpoint's, and those of the API Store."""
