"""Observations as the tests need them."""

from apimctl.domain.models import KeyType
from apimctl.edge.observation import Observation, Words

RECEIVED_AT = 1_800_000_000.1239


def observed(**changes) -> Observation:
    """Return a request with all that can be known of one, but for what is changed."""
    known = {
        "method": "GET",
        "target": "/twitter/1.0.0/search?q=cat",
        "protocol": "HTTP/1.1",
        "client": "203.0.113.7",
        "request_id": "abc-1",
        "received_at": RECEIVED_AT,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "user_agent": "curl/8",
        "referer": "https://example.com/",
        "api": "twitter:1.0.0",
        "application_id": "default",
        "key_type": KeyType.PRODUCTION,
        "status": 200,
        "seconds": 0.0123456789,
        "backend_seconds": 0.01,
        "body_bytes": 1234,
    }
    return made(**(known | changes))


def made(**known) -> Observation:
    """Return a request of which no more is known than this."""
    observation = Observation()
    words = {name: known.pop(name) for name in Words.__slots__ if name in known}
    for name, value in known.items():
        setattr(observation, name, value)
    observation.words = Words(**({"received_at": RECEIVED_AT, "client": ""} | words))
    return observation
