// A command a line on stdin, as JSON; what came of it a line on stdout.

import { createInterface } from "node:readline";

export async function converse(verbs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { verb, ...given } = JSON.parse(line);
    let answer;
    try {
      answer = { result: (await verbs[verb](given)) ?? null };
    } catch (error) {
      // openid-client names the error of RFC 6749 itself; simple-oauth2 hands on the answer.
      answer = { error: error.error ?? error.data?.payload?.error ?? null, message: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
