// JSON objects whose member names are unique, and base64url with one spelling.
//
// RFC 7515 section 4 and RFC 7519 section 4 let a parser keep the last of two members with one name, as JSON.parse does. Two
// parsers that keep different ones then read different tokens.

import { base64url } from "jose";

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|-?\d[\d.eE+-]*/g;
/** As deep as the Rust crate reads. */
const DEPTH = 127;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Decodes base64url without padding and without bits that say nothing.
 * @param {string} text
 * @returns {Uint8Array | undefined}
 */
export function decode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const unused = { 0: 0, 2: 15, 3: 3 }[text.length % 4] ?? 0;
  if (unused && ALPHABET.indexOf(text[text.length - 1]) & unused) return undefined;
  return base64url.decode(text);
}

/**
 * Parses exactly one object. Objects down to `unique` levels have no name twice.
 * @param {Uint8Array} bytes
 * @param {number} [unique]
 * @returns {{ value: Record<string, unknown>, numbers: Map<string, string> } | undefined} the object, and the numbers among its
 * members as they were written: JavaScript cannot tell `1e10` from `10000000000`, other runtimes can
 */
export function parseMembers(bytes, unique = 1) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
    const numbers = scan(text, unique);
    return numbers && { value, numbers };
  } catch {
    return undefined;
  }
}

/**
 * Walks through text that JSON.parse has taken.
 * @param {string} text
 * @param {number} unique
 */
function scan(text, unique) {
  /** @type {Map<string, string>} */
  const numbers = new Map();
  /** @type {{ names: Set<string> | undefined, name: string | undefined }[]} */
  const open = [];
  let previous = "";
  for (const [token] of text.matchAll(TOKEN)) {
    const here = open[open.length - 1];
    if (token === "{" || token === "[") {
      if (open.length === DEPTH) return undefined;
      open.push({ names: token === "{" ? new Set() : undefined, name: undefined });
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token[0] === '"') {
      const string = token.includes("\\u") ? JSON.parse(token) : token.slice(1, -1);
      if (!string.isWellFormed()) return undefined;
      if (here?.names && (previous === "{" || previous === ",")) {
        const name = token.includes("\\") ? JSON.parse(token) : string;
        if (open.length <= unique && here.names.has(name)) return undefined;
        here.names.add(name);
        here.name = name;
      }
    } else if (token !== ":" && token !== ",") {
      if (!Number.isFinite(Number(token))) return undefined;
      if (open.length === 1 && here?.name !== undefined) numbers.set(here.name, token);
    }
    previous = token;
  }
  return numbers;
}
