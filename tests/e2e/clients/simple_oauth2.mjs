// simple-oauth2, as an application would use it.

import { createHash, randomBytes } from "node:crypto";

import oauth from "simple-oauth2";

import { converse } from "./conversation.mjs";

let options;
let redirectUri;
let asked;

const granted = ({ token }) => token;
const authorizationCode = () => {
  const auth = { ...options.auth, authorizePath: "/authorize" };
  return new oauth.AuthorizationCode({ ...options, auth });
};
const held = (tokens) => authorizationCode().createToken(tokens);

await converse({
  start({ url, id, secret, redirect_uri }) {
    options = {
      client: { id, secret },
      auth: { tokenHost: url, tokenPath: "/token", revokePath: "/revoke" },
    };
    redirectUri = redirect_uri;
  },

  client_credentials: async ({ scope }) =>
    granted(await new oauth.ClientCredentials(options).getToken(scope ? { scope } : {})),

  password: async (given) =>
    granted(await new oauth.ResourceOwnerPassword(options).getToken(given)),

  refresh: async ({ tokens }) => granted(await held(tokens).refresh()),

  revoke: async ({ tokens, which }) => {
    await held(tokens).revoke(which);
  },

  authorize() {
    asked = { verifier: randomBytes(32).toString("base64url") };
    return authorizationCode().authorizeURL({
      redirect_uri: redirectUri,
      state: "a state",
      code_challenge: createHash("sha256").update(asked.verifier).digest("base64url"),
      code_challenge_method: "S256",
    });
  },

  async exchange({ callback }) {
    const told = new URL(callback).searchParams;
    if (told.get("state") !== "a state") throw new Error("another state came back");
    const code = { code: told.get("code"), redirect_uri: redirectUri, code_verifier: asked.verifier };
    return granted(await authorizationCode().getToken(code));
  },

  async call({ tokens, url }) {
    const headers = { Authorization: `Bearer ${tokens.access_token}` };
    return (await fetch(url, { headers })).status;
  },
});
