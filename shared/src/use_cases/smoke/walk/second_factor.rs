//! An app that shows codes, as its person sets it up and signs in with it (MF-01, MF-03).

use std::time::Duration;

use serde_json::json;

use super::{SIGN_IN, Secrets, Tokens, Walk, Why, Wrong};
use crate::crypto::totp::TotpSecret;

pub(super) const BEGIN: (&str, (&str, &str)) = ("mfa-totp", ("POST", "/v1/mfa/totp"));
pub(super) const CONFIRM: (&str, (&str, &str)) = ("mfa-totp-confirm", ("POST", "/v1/mfa/totp/confirm"));
pub(super) const SECOND_STEP: (&str, (&str, &str)) = ("login-mfa", ("POST", "/v1/login/mfa"));

/// How long an app shows a code.
const STEP: Duration = Duration::from_secs(30);

impl Walk<'_> {
    /// Sets an app up in the session that there is, and signs in with it elsewhere. A stage whose functions come one after the
    /// other may not have all of them yet, and has nobody with an app.
    pub(super) async fn second_factor(&self, secrets: &Secrets, tokens: &Tokens) -> Result<(), Wrong> {
        match self.sign_in_with_app(secrets, tokens).await {
            Err(Wrong { why: Why::NotThere, function, .. }) => {
                tracing::warn!(request_id = self.request_id, function, "nobody can have a second factor yet");
                Ok(())
            }
            ended => ended,
        }
    }

    async fn sign_in_with_app(&self, secrets: &Secrets, tokens: &Tokens) -> Result<(), Wrong> {
        let now = || self.app.clock.now();
        let begun = self.expect(BEGIN, None, Some(&tokens.access), 200, None).await?;
        let secret = TotpSecret::parse(&self.text(BEGIN.0, &begun, "secret")?);
        let secret = secret.ok_or_else(|| self.wrong(BEGIN.0, "gave a secret that is none"))?;
        let enrolment_token = self.text(BEGIN.0, &begun, "enrolment_token")?;
        let body = json!({ "enrolment_token": enrolment_token, "code": *secret.code(now()) });
        self.expect(CONFIRM, Some(&body), Some(&tokens.access), 200, None).await?;

        self.forget_guesses().await?;
        let body = json!({ "email": self.email(), "password": secrets.password });
        let waiting = self.expect(SIGN_IN, Some(&body), None, 200, None).await?;
        if waiting.text("status") != Some("mfa_required") {
            return Err(self.wrong(SIGN_IN.0, "signed in by the password alone"));
        }
        let mfa_token = self.text(SIGN_IN.0, &waiting, "mfa_token")?;
        // The code that set the app up signs nobody in. The next one is taken a little early, too.
        let body = json!({ "mfa_token": mfa_token, "method": "totp", "code": *secret.code(now().plus(STEP)) });
        let answer = self.expect(SECOND_STEP, Some(&body), None, 200, None).await?;
        self.tokens(SECOND_STEP.0, &answer).map(|_| ())
    }
}
