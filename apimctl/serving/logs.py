"""What a server says of itself while it serves: lines on stderr, without a secret."""

import logging


def set_up(*, is_verbose: bool) -> None:
    """Let warnings be written, and what happens as well if that is wanted."""
    logging.basicConfig(
        level=logging.INFO if is_verbose else logging.WARNING,
        format="%(asctime)s %(process)d %(levelname)s %(message)s",
    )
    # aiohttp quotes what it cannot parse, Authlib logs the tokens it issues: both stay silent,
    # whatever the level. What a user has to know of theirs is said in our words.
    for name in ("aiohttp", "authlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
