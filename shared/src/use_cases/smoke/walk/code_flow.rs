//! The way to an application, as a browser and the application behind it go it (RFC 6749, 4.1): to the page, with a password
//! back to the application, and its tokens for the code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use serde_json::Value;

use super::{Secrets, Walk, Why, Wrong, own};
use crate::domain::hex;
use crate::domain::synthetic::REDIRECT_URI;
use crate::outbound::functions::{Answered, Body, Sent};
use crate::use_cases::oauth::by_code::challenge_of;
use crate::use_cases::smoke::once_more;

pub(super) const AUTHORIZE: (&str, (&str, &str)) = ("authorize", ("GET", "/oauth2/authorize"));
pub(super) const SIGN_IN_PAGE: (&str, (&str, &str)) = ("page-login", ("POST", "/ui/login"));
pub(super) const TOKEN: (&str, (&str, &str)) = ("token", ("POST", "/oauth2/token"));
pub(super) const USERINFO: (&str, (&str, &str)) = ("userinfo", ("GET", "/oauth2/userinfo"));

/// What the browser keeps by which a page's form is known (SE-06).
const CSRF: &str = "__Host-wardgate-csrf";

impl Walk<'_> {
    /// All of it. A stage whose functions come one after the other may not have all of them yet, and has nobody who asks for
    /// them.
    pub(super) async fn code_flow(&self, secrets: &Secrets) -> Result<(), Wrong> {
        match self.sign_in_to_client(secrets).await {
            Err(Wrong { why: Why::NotThere, function, .. }) => {
                tracing::warn!(request_id = self.request_id, function, "nobody can sign in to an application yet");
                Ok(())
            }
            ended => ended,
        }
    }

    async fn sign_in_to_client(&self, secrets: &Secrets) -> Result<(), Wrong> {
        let app = self.app;
        let client = self.user.client().ok_or_else(|| own("a client that is none"))?;
        once_more(|| app.store.keep_synthetic_client(self.user, &client, app.clock.now())).await?;
        let [state, nonce, verifier] = [self.made_up()?, self.made_up()?, self.made_up()?];
        let challenge = challenge_of(&verifier);
        let client_id = client.registration.id.as_str();
        let request = form(&[
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let cookies = self.signed_in_browser(&request, secrets).await?;
        let code = self.code(&request, &cookies, &state).await?;
        let body = form(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", client_id),
            ("code_verifier", &verifier),
        ]);
        let answer = self.answered(TOKEN, Sent { body: Some(Body::Form(&body)), ..Sent::default() }, 200).await?;
        let claims = payload(&self.text(TOKEN.0, &answer, "id_token")?);
        let says = |claim: &str, expected: &str| claims.get(claim).and_then(Value::as_str) == Some(expected);
        let subject = self.user.user_id().to_string();
        if !(says("sub", &subject) && says("aud", client_id) && says("nonce", &nonce)) {
            return Err(self.wrong(TOKEN.0, "gave an ID token of another sign-in"));
        }
        let access = self.text(TOKEN.0, &answer, "access_token")?;
        let asked = Sent { bearer: Some(&access), ..Sent::default() };
        let person = self.answered(USERINFO, asked, 200).await?;
        if person.text("sub") == Some(&subject) {
            Ok(())
        } else {
            Err(self.wrong(USERINFO.0, "told of another account"))
        }
    }

    /// What a browser keeps once its person has typed the password on the page that the request has led to.
    async fn signed_in_browser(&self, request: &str, secrets: &Secrets) -> Result<Vec<String>, Wrong> {
        let location = self.led_on(AUTHORIZE, Sent { query: request, ..Sent::default() }).await?;
        let (path, carried) = location.split_once('?').unwrap_or_default();
        if path != SIGN_IN_PAGE.1.1 {
            return Err(self.wrong(AUTHORIZE.0, "did not lead to where people sign in"));
        }
        let csrf = URL_SAFE_NO_PAD.encode(self.app.entropy.bytes::<16>()?);
        let typed = [("csrf", csrf.as_str()), ("email", self.email()), ("password", &secrets.password)];
        let body = Serializer::new(carried.to_owned()).extend_pairs(typed).finish();
        let kept = [format!("{CSRF}={csrf}")];
        let sent = Sent {
            body: Some(Body::Form(&body)),
            origin: Some(&self.app.config.tokens.issuer),
            cookies: &kept,
            ..Sent::default()
        };
        let answer = self.answered(SIGN_IN_PAGE, sent, 303).await?;
        if answer.cookies.is_empty() { Err(self.wrong(SIGN_IN_PAGE.0, "began no session")) } else { Ok(answer.cookies) }
    }

    /// The code that a browser with a session brings the application.
    async fn code(&self, request: &str, cookies: &[String], state: &str) -> Result<String, Wrong> {
        let location = self.led_on(AUTHORIZE, Sent { query: request, cookies, ..Sent::default() }).await?;
        let (uri, query) = location.split_once('?').unwrap_or_default();
        let answer: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| answer.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let is_answer = uri == REDIRECT_URI
            && value("state") == Some(state)
            && value("iss") == Some(self.app.config.tokens.issuer.as_str());
        let code = value("code").filter(|_| is_answer).map(str::to_owned);
        code.ok_or_else(|| self.wrong(AUTHORIZE.0, "gave the application no code"))
    }

    async fn led_on(&self, to: (&str, (&str, &str)), sent: Sent<'_>) -> Result<String, Wrong> {
        let answer = self.send(to, sent).await?;
        let is_redirect = matches!(answer.status, 302 | 303);
        match answer.location {
            Some(location) if is_redirect => Ok(location),
            _ => Err(self.refused(to.0, answer.status, "302").await),
        }
    }

    async fn answered(&self, to: (&str, (&str, &str)), sent: Sent<'_>, status: u16) -> Result<Answered, Wrong> {
        let answer = self.send(to, sent).await?;
        if answer.status == status {
            return Ok(answer);
        }
        Err(self.refused(to.0, answer.status, &status.to_string()).await)
    }

    /// A page does not say in a code that nothing can be changed for now: what operators have set does.
    async fn refused(&self, function: &str, status: u16, expected: &str) -> Wrong {
        let wrong = self.wrong(function, &format!("answered {status}, not {expected}"));
        let is_read_only = status == 503
            && self.app.store.settings().await.is_ok_and(|set| {
                let settings = set.map(|set| serde_json::from_str::<Value>(&set.settings).unwrap_or_default());
                settings.is_some_and(|settings| settings.get("switches.read_only") == Some(&Value::Bool(true)))
            });
        if is_read_only { Wrong { why: Why::ReadOnly, ..wrong } } else { wrong }
    }

    fn made_up(&self) -> Result<String, Wrong> {
        Ok(hex(&self.app.entropy.bytes::<32>()?))
    }
}

fn form(members: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(members).finish()
}

/// What a JWT says. Nobody here believes it: the access token that comes with it is shown to who verifies.
fn payload(token: &str) -> Value {
    let bytes = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
