// The runtimes that come with this folder's packages. `verdicts.js` puts all of them beside each other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RUNTIMES, corpus } from "./runtimes.js";

const expected = Object.fromEntries(corpus.tokens.map(({ name, verdict }) => [name, verdict]));

test("ED-13 Node.js gives every token of the corpus its verdict", async () => {
  assert.deepEqual(await RUNTIMES.node(), expected);
});

test("ED-13 workerd gives every token of the corpus its verdict", async () => {
  assert.deepEqual(await RUNTIMES.workerd(), expected);
});
