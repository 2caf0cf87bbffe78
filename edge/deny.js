// A CloudFront Function (cloudfront-js-2.0, viewer request) that refuses tokens of ended sessions: docs/edge.md.
//
// It only refuses. It checks no signature, because no function of CloudFront can: whatever it lets through is verified behind
// it. A store that is empty, full or broken lets through, too.
import cf from 'cloudfront';

// Whether requests without a token of Wardgate's form are refused. Leave it false where API keys or public pages pass, too.
const STRICT = false;
const LEEWAY = 5;
const MAX_TOKEN = 8192;
const ID = /^(ses|grt|usr)_[0-9a-hjkmnp-tv-z]{26}$/;

const store = cf.kvs();

const REFUSED = {
  statusCode: 401,
  statusDescription: 'Unauthorized',
  headers: {
    'content-type': { value: 'application/problem+json' },
    'cache-control': { value: 'no-store' },
    'www-authenticate': { value: 'Bearer error="invalid_token"' },
    // A browser's page has to see that it is 401 to refresh or sign in.
    'access-control-allow-origin': { value: '*' }
  },
  body: {
    encoding: 'text',
    data: '{"type":"urn:wardgate:problem:invalid_token","title":"The token is not accepted.","status":401,' +
      '"detail":"The access token is invalid or has expired. Refresh it or sign in again.","code":"invalid_token"}'
  }
};

async function handler(event) {
  const request = event.request;
  if (request.method === 'OPTIONS') return request;
  const token = bearer(request.headers.authorization);
  const claims = token === null ? null : read(token);
  if (claims === null) return STRICT ? REFUSED : request;
  if (claims.isExpired) return REFUSED;
  let denied = false;
  try {
    denied = await isDenied(claims);
  } catch (error) {
    console.log('the deny list cannot be read');
  }
  return denied ? REFUSED : request;
}

// The one token that was sent.
function bearer(header) {
  if (!header || (header.multiValue && header.multiValue.length > 1)) return null;
  const found = /^(?:bearer|dpop) +([^ ]+)$/i.exec(header.value);
  return found ? found[1] : null;
}

// What of a token decides here, or null if it is none of Wardgate's.
function read(token) {
  if (token.length > MAX_TOKEN) return null;
  const parts = token.split('.');
  if (parts.length !== 3 || parts[2] === '') return null;
  const header = object(parts[0]);
  if (header === null || !/^(application\/)?at\+jwt$/i.test(header.typ)) return null;
  const payload = object(parts[1]);
  if (payload === null || !isTime(payload.exp) || !isTime(payload.iat)) return null;
  return {
    isExpired: Math.floor(Date.now() / 1000) >= payload.exp + LEEWAY,
    iat: payload.iat,
    kid: String(header.kid),
    session: id(payload.sid, 'ses_') || id(payload.gid, 'grt_'),
    user: id(payload.sub, 'usr_')
  };
}

// A part that is the canonical base64url of an object.
function object(part) {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) return null;
  try {
    const value = JSON.parse(bytes.toString());
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch (error) {
    return null;
  }
}

function isTime(value) {
  return typeof value === 'number' && value >= 0 && value === Math.floor(value);
}

// Only what looks like one of our identifiers is ever a key.
function id(value, kind) {
  return typeof value === 'string' && value.slice(0, 4) === kind && ID.test(value) ? value : '';
}

// A value that is no time is before every token.
function seconds(text) {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : -1;
}

// At most three look-ups. A missing key makes `get` fail, which costs far more than asking whether it is there.
async function isDenied(claims) {
  if (claims.session !== '') {
    const ended = await store.exists(claims.session);
    if (ended) return true;
  }
  const forAll = await words('all');
  if (forAll !== null && (claims.iat <= seconds(forAll[0]) || isRetired(forAll, claims.kid))) return true;
  if (claims.user === '') return false;
  const forUser = await words(claims.user);
  if (forUser === null || claims.iat > seconds(forUser[0])) return false;
  return claims.session === '' || forUser.indexOf(claims.session, 1) < 0;
}

// Where many keys were retired, they are known by how their ids end.
function isRetired(words, kid) {
  for (let i = 1; i < words.length; i += 1) {
    const word = words[i];
    if (word === kid || (word.charAt(0) === '~' && kid.endsWith(word.slice(1)))) return true;
  }
  return false;
}

async function words(key) {
  const exists = await store.exists(key);
  if (!exists) return null;
  const value = await store.get(key);
  return value.split(' ');
}
