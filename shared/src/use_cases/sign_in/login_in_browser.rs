//! Signing in on a page: the browser keeps the session, and no token of its own.
//!
//! Store requests: as of [`crate::use_cases::sign_in::login`] or
//! [`crate::use_cases::sign_in::login_email_code_verify`], [`crate::use_cases::sign_in::login_mfa`] or [`crate::use_cases::sign_in::passkey_login`], and where the browser has a session already one round of two reads
//! before. If that one is another person's, one transaction ends it.

use std::sync::Arc;

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::oauth_token::BrowserSessionToken;
use crate::crypto::sealed_token::{RefreshToken, TokenSecret};
use crate::domain::factors::Wanted;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::password_check::PasswordCheckError;
use crate::use_cases::sign_in::browser_session::{BrowserSession, browser_session, end_browser_session};
use crate::use_cases::sign_in::login::{self, Login, begin_by_password};
use crate::use_cases::sign_in::login_email_code_verify::{
    self, ByMail, EmailCodeError, LoginEmailCodeVerify, begin_by_mail,
};
use crate::use_cases::sign_in::login_mfa::{self, LoginMfa, LoginMfaError, SignedInByTwo, begin_by_two};
use crate::use_cases::sign_in::passkey_login::{self, PasskeyLogin, PasskeyLoginError, begin_by_passkey};
use crate::use_cases::sign_in::second_step::SignInStep;
use crate::use_cases::sign_in::session::{Begun, Proven, begin, begin_again};

/// What a browser keeps.
pub struct SignedInBrowser {
    /// Names the session.
    pub session_token: String,
    /// What the device shows at its next sign-in.
    pub device_token: String,
}

/// Signs in with a password. `session_token` is of the session that the browser has had until now: it goes on if it is the
/// same person's (OC-29), and ends if it is not.
pub async fn login_in_browser(
    app: &App,
    context: &RequestContext,
    login: Login,
    wanted: Wanted,
    session_token: Option<&str>,
) -> Result<SignInStep<SignedInBrowser>, PasswordCheckError> {
    let attempt = async {
        let browser = Browser::find(app, context, session_token).await?;
        let begins = async |proven: &Proven<'_>| browser.begin(app, context, proven).await;
        Ok(match begin_by_password(app, context, &login, wanted, &browser.ring, begins).await? {
            SignInStep::SignedIn((_, begun)) => SignInStep::SignedIn(browser.keep(app, context, begun).await?),
            SignInStep::MfaRequired(required) => SignInStep::MfaRequired(required),
        })
    };
    login::counted(attempt.await)
}

/// Signs in with a mailed code, as [`login_in_browser`].
pub async fn login_by_code_in_browser(
    app: &App,
    context: &RequestContext,
    login: LoginEmailCodeVerify,
    wanted: Wanted,
    session_token: Option<&str>,
) -> Result<SignInStep<SignedInBrowser>, EmailCodeError> {
    let attempt = async {
        let browser = Browser::find(app, context, session_token).await?;
        let begins = async |proven: &Proven<'_>| browser.begin(app, context, proven).await;
        match begin_by_mail(app, context, &login, wanted, &browser.ring, begins).await? {
            ByMail::Begun(_, begun) => Ok(SignInStep::SignedIn(browser.keep(app, context, begun).await?)),
            ByMail::MfaRequired(required) => Ok(SignInStep::MfaRequired(required)),
            ByMail::Dead(tried) => Err(login_email_code_verify::refuse(app, context, &tried).await?),
        }
    };
    // Boxed, since several store requests at once make a large future.
    login_email_code_verify::counted(Box::pin(attempt).await)
}

/// Shows the second factor, as [`login_in_browser`].
pub async fn login_mfa_in_browser(
    app: &App,
    context: &RequestContext,
    login: LoginMfa,
    session_token: Option<&str>,
) -> Result<SignedInByTwo<SignedInBrowser>, LoginMfaError> {
    let attempt = async {
        let browser = Browser::find(app, context, session_token).await?;
        let begins = async |proven: &Proven<'_>| browser.begin(app, context, proven).await;
        let (_, begun) = begin_by_two(app, context, &login, &browser.ring, begins).await?;
        let SignedInByTwo { signed_in: begun, recovery_codes_left } = begun;
        Ok(SignedInByTwo { signed_in: browser.keep(app, context, begun).await?, recovery_codes_left })
    };
    login_mfa::counted(Box::pin(attempt).await)
}

/// Signs in with a passkey alone, as [`login_in_browser`].
pub async fn passkey_login_in_browser(
    app: &App,
    context: &RequestContext,
    login: &PasskeyLogin,
    session_token: Option<&str>,
) -> Result<SignedInBrowser, PasskeyLoginError> {
    let attempt = async {
        let browser = Browser::find(app, context, session_token).await?;
        let begins = async |proven: &Proven<'_>| browser.begin(app, context, proven).await;
        let (_, begun) = begin_by_passkey(app, context, login, &browser.ring, begins).await?;
        Ok(browser.keep(app, context, begun).await?)
    };
    passkey_login::counted(Box::pin(attempt).await)
}

/// What a browser keeps of a session that has begun with a refresh token of `/v1`, so that applications find it, too.
pub async fn session_of_refresh_token(
    app: &App,
    context: &RequestContext,
    refresh_token: &str,
) -> Result<Option<String>, Fault> {
    let ring = app.secrets.session_mac(context.now).await?;
    let Ok(token) = RefreshToken::open(refresh_token, &ring, context.now) else { return Ok(None) };
    let RefreshToken { user_id, session_id, secret, .. } = token;
    Ok(Some(BrowserSessionToken { user_id, session_id, secret }.seal(ring.current(context.now)?)))
}

/// The browser that somebody signs in with.
struct Browser {
    ring: Arc<Ring<MacKey>>,
    /// Its session until now, with the random bits of its token.
    found: Option<(BrowserSession, TokenSecret)>,
}

impl Browser {
    async fn find(app: &App, context: &RequestContext, session_token: Option<&str>) -> Result<Self, Fault> {
        let ring = app.secrets.session_mac(context.now).await?;
        // Before anything is written: no session may begin that cannot be answered with.
        ring.current(context.now)?;
        let found = browser_session(app, context, &ring, session_token).await?;
        Ok(Self { ring, found })
    }

    async fn begin(&self, app: &App, context: &RequestContext, proven: &Proven<'_>) -> Result<Option<Begun>, Fault> {
        let key = self.ring.current(context.now)?;
        let own = self.found.as_ref().filter(|(found, _)| found.user.id == proven.credential.user_id);
        if let Some((found, secret)) = own
            && begin_again(app, context, proven, found.session.clone()).await?
        {
            let device_token = proven.device.token(key);
            return Ok(Some(Begun { session: found.session.clone(), secret: *secret, device_token }));
        }
        begin(app, context, proven, key).await
    }

    /// Ends the session that was another one's.
    async fn keep(self, app: &App, context: &RequestContext, begun: Begun) -> Result<SignedInBrowser, Fault> {
        let session = &begun.session;
        if let Some((found, _)) = self.found.filter(|(found, _)| found.session.id != session.id)
            && let Err(cause) = end_browser_session(app, context, &found.session).await
        {
            // The browser has forgotten it all the same, and by itself it ends, too.
            tracing::warn!(request_id = context.request_id, %cause, "could not end the session that a browser had before");
        }
        let token = BrowserSessionToken { user_id: session.user_id, session_id: session.id, secret: begun.secret };
        let session_token = token.seal(self.ring.current(context.now)?);
        Ok(SignedInBrowser { session_token, device_token: begun.device_token })
    }
}
