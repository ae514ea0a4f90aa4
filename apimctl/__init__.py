"""Access tokens for your APIs, and the gateway that enforces them."""

__version__ = "0.1.0"
