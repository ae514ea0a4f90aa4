"""OAuth clients in Python, under the verbs that the ones from npm have."""

import secrets
from contextlib import contextmanager

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from joserfc import jwt
from joserfc.jwk import KeySet
from oauthlib.oauth2 import (
    BackendApplicationClient,
    LegacyApplicationClient,
    OAuth2Error,
    WebApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.clients.site import RefusedError, Site


@contextmanager
def _refusing(kind):
    try:
        yield
    except kind as error:
        raise RefusedError(error.error) from error


class RequestsOauthlib:
    """requests-oauthlib."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.auth = HTTPBasicAuth(site.id, site.secret) if site.secret else None

    def _session(self, kind=WebApplicationClient, *, scope=None, **form) -> OAuth2Session:
        session = OAuth2Session(client=kind(self.site.id, scope=scope), **form)
        session.verify = str(self.site.certificate)
        session.trust_env = False
        return session

    def _fetch(self, session, **form) -> dict:
        form |= {"auth": self.auth, "include_client_id": self.auth is None}
        with _refusing(OAuth2Error):
            return session.fetch_token(f"{self.site.url}/token", timeout=TIMEOUT_SECONDS, **form)

    def client_credentials(self, scope=None):
        return self._fetch(self._session(BackendApplicationClient, scope=scope))

    def password(self, username, password):
        session = self._session(LegacyApplicationClient)
        return self._fetch(session, username=username, password=password)

    def refresh(self, tokens):
        form = {"refresh_token": tokens["refresh_token"], "auth": self.auth}
        if self.auth is None:
            form["client_id"] = self.site.id
        with _refusing(OAuth2Error):
            return self._session().refresh_token(f"{self.site.url}/token", **form)

    def revoke(self, tokens, which):
        session = self._session()
        named = {} if self.auth else {"client_id": self.site.id}
        url, headers, body = session._client.prepare_token_revocation_request(
            f"{self.site.url}/revoke", tokens[which], token_type_hint=which, **named
        )
        answer = session.post(url, data=body, headers=headers, auth=self.auth, withhold_token=True)
        assert answer.ok, answer.text

    def authorize(self):
        self.asking = self._session(redirect_uri=self.site.redirect_uri, pkce="S256")
        return self.asking.authorization_url(f"{self.site.url}/authorize")[0]

    def exchange(self, callback):
        return self._fetch(self.asking, authorization_response=callback)

    def call(self, tokens, url):
        session = self._session()
        session.token = tokens
        return session.get(url, timeout=TIMEOUT_SECONDS).status_code


class Authlib:
    """Authlib's own client, on requests."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = self._session()
        self.found = self.metadata()

    def _session(self, **form) -> AuthlibSession:
        session = AuthlibSession(self.site.id, self.site.secret, **form)
        if self.site.secret is None:
            session.token_endpoint_auth_method = session.revocation_endpoint_auth_method = "none"
        session.verify = str(self.site.certificate)
        session.trust_env = False
        return session

    def _get(self, url) -> dict:
        answer = self.session.get(url, withhold_token=True, timeout=TIMEOUT_SECONDS)
        assert answer.ok, answer.text
        return answer.json()

    def metadata(self):
        url = get_well_known_url(self.site.url, external=True, suffix="oauth-authorization-server")
        found = AuthorizationServerMetadata(self._get(url))
        found.validate()
        return found

    def client_credentials(self, scope=None):
        return self._fetch(grant_type="client_credentials", scope=scope)

    def password(self, username, password):
        return self._fetch(username=username, password=password)

    def _fetch(self, **form) -> dict:
        with _refusing(OAuthError):
            return self.session.fetch_token(self.found["token_endpoint"], **form)

    def refresh(self, tokens):
        url = self.found["token_endpoint"]
        with _refusing(OAuthError):
            return self.session.refresh_token(url, refresh_token=tokens["refresh_token"])

    def revoke(self, tokens, which):
        url = self.found["revocation_endpoint"]
        answer = self.session.revoke_token(url, tokens[which], token_type_hint=which)
        assert answer.ok, answer.text

    def introspect(self, token):
        return self.session.introspect_token(self.found["introspection_endpoint"], token).json()

    def authorize(self):
        self.verifier = secrets.token_urlsafe(32)
        self.asking = self._session(
            redirect_uri=self.site.redirect_uri, code_challenge_method="S256"
        )
        url, self.state = self.asking.create_authorization_url(
            self.found["authorization_endpoint"], code_verifier=self.verifier
        )
        return url

    def exchange(self, callback):
        with _refusing(OAuthError):
            return self.asking.fetch_token(
                self.found["token_endpoint"],
                authorization_response=callback,
                code_verifier=self.verifier,
                state=self.state,
            )

    def call(self, tokens, url):
        self.session.token = tokens
        return self.session.get(url, timeout=TIMEOUT_SECONDS).status_code

    def verify(self, token):
        keys = KeySet.import_key_set(self._get(self.found["jwks_uri"]))
        return jwt.decode(token, keys).claims
