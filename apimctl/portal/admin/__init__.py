"""The administration: what is everybody's. Its pages are for users with the role admin alone."""
