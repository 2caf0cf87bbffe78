//! What to try next, printed once the server listens. Each line works when it is pasted into a shell; a test runs them.

use crate::dev::demo::{EMAIL, PASSWORD};

/// The tour for a server at `base`, such as `http://localhost:8080`.
pub fn tour(base: &str) -> String {
    let json = "-H 'Content-Type: application/json'";
    let bearer = r#"-H "Authorization: Bearer $ACCESS""#;
    let member = |name: &str| format!(r#"sed 's/.*"{name}":"\([^"]*\)".*/\1/'"#);
    format!(
        r#"A demo user exists: {EMAIL} with the password "{PASSWORD}".

In a browser: {base}/ui/account signs you in, and is the user's own page. For an application that signs people in,
type `make web` in another terminal (it needs Node.js), and open http://localhost:3000.

Or paste these lines into another terminal:

# register: the answer is the same whether or not the address has an account
curl -s {base}/v1/register {json} -d '{{"email":"ada@example.com","password":"analytical engines hum","name":"Ada"}}'; echo

# sign in, and keep both tokens
SIGNED_IN=$(curl -s {base}/v1/login {json} -d '{{"email":"ada@example.com","password":"analytical engines hum"}}'); echo "$SIGNED_IN"
ACCESS=$(echo "$SIGNED_IN" | {access})
REFRESH=$(echo "$SIGNED_IN" | {refresh})

# who am I
curl -s {base}/v1/me {bearer}; echo

# refresh: the old refresh token is spent, the new pair replaces it
SIGNED_IN=$(curl -s {base}/v1/token/refresh {json} -d "{{\"refresh_token\":\"$REFRESH\"}}"); echo "$SIGNED_IN"
ACCESS=$(echo "$SIGNED_IN" | {access})
REFRESH=$(echo "$SIGNED_IN" | {refresh})

# my sessions
curl -s {base}/v1/sessions {bearer}; echo

# sign out: 204 now, and 401 to the same token from then on
curl -s -o /dev/null -w '%{{http_code}}\n' -X POST {base}/v1/logout {bearer}
curl -s {base}/v1/me {bearer}; echo

More: {base}/dev/outbox where mails land, {base}/openapi.json, {base}/.well-known/openid-configuration, {base}/health, {base}/metrics
"#,
        access = member("access_token"),
        refresh = member("refresh_token"),
    )
}
