"""The API Store: the web pages on which subscribers get their keys."""
