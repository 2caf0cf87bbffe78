// The module `cloudfront` for edge/deny.js in workerd: its key-value store is the list that the server of `make run` keeps.

import { env } from "cloudflare:workers";

const ask = async (key) => {
  const response = await env.SERVER.fetch(`http://localhost/dev/denied/${encodeURIComponent(key)}`);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`the deny list answered ${response.status}`);
  return response.text();
};

const store = {
  exists: async (key) => (await ask(key)) !== undefined,
  async get(key) {
    const value = await ask(key);
    if (value === undefined) throw new Error("KeyNotFound");
    return value;
  },
};

export default { kvs: () => store };
