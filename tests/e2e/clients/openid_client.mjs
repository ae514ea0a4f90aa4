// openid-client, as an application would use it: all it knows is the issuer.

import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";

import { converse } from "./conversation.mjs";

let config;
let redirectUri;
let asked;

await converse({
  async start({ url, id, secret, redirect_uri }) {
    const authentication = secret ? client.ClientSecretBasic(secret) : client.None();
    const options = { algorithm: "oauth2" };
    config = await client.discovery(new URL(url), id, {}, authentication, options);
    redirectUri = redirect_uri;
  },

  metadata: () => config.serverMetadata(),

  client_credentials: ({ scope }) =>
    client.clientCredentialsGrant(config, scope ? { scope } : {}),

  password: ({ username, password }) =>
    client.genericGrantRequest(config, "password", { username, password }),

  refresh: ({ tokens }) => client.refreshTokenGrant(config, tokens.refresh_token),

  revoke: ({ tokens, which }) => client.tokenRevocation(config, tokens[which]),

  introspect: ({ token }) => client.tokenIntrospection(config, token),

  async authorize() {
    asked = { verifier: client.randomPKCECodeVerifier(), state: client.randomState() };
    return client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      state: asked.state,
      code_challenge: await client.calculatePKCECodeChallenge(asked.verifier),
      code_challenge_method: "S256",
    }).href;
  },

  // It compares `iss` with the issuer (RFC 9207), and `state` with what it sent.
  exchange: ({ callback }) =>
    client.authorizationCodeGrant(config, new URL(callback), {
      pkceCodeVerifier: asked.verifier,
      expectedState: asked.state,
    }),

  async call({ tokens, url }) {
    try {
      const resource = [new URL(url), "GET"];
      return (await client.fetchProtectedResource(config, tokens.access_token, ...resource)).status;
    } catch (error) {
      if (error instanceof client.WWWAuthenticateChallengeError) return error.status;
      throw error;
    }
  },

  async verify({ token }) {
    const { issuer, jwks_uri: keys } = config.serverMetadata();
    const expected = { issuer, audience: issuer, typ: "at+jwt" };
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), expected);
    return payload;
  },
});
