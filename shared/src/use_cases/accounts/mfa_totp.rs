//! Beginning to set up an app that shows codes. Nothing is stored: the client holds the secret anyway, and what comes back with
//! the first code says whose it is.
//!
//! Store requests: one round of two reads (session, user).

use std::time::Duration;

use zeroize::Zeroizing;

use crate::app::App;
use crate::crypto::enrolment_token::EnrolmentToken;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::totp::TotpSecret;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::use_cases::authenticate::{Authenticated, Caller, authenticate_fresh};
use crate::use_cases::factors_change::FactorsChangeError;

/// How long setting up may take.
const ENROLMENT_LIFE: Duration = Duration::from_mins(10);

/// What an app is set up with.
pub struct TotpEnrolment {
    /// What app and server share, in base32, for whoever types it.
    pub secret: Zeroizing<String>,
    /// The same as apps read it.
    pub uri: Zeroizing<String>,
    /// A sealed token, which comes back with the first code.
    pub enrolment_token: String,
    /// How long the token lives.
    pub expires_in: Duration,
}

/// Makes a secret for the caller.
pub async fn mfa_totp(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<TotpEnrolment, FactorsChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    if !user.email_verified {
        return Err(FactorsChangeError::UnverifiedAddress);
    }
    let ring = app.secrets.login_mac(context.now).await?;
    let secret = TotpSecret::mint(&*app.entropy)?;
    let token = EnrolmentToken { user_id: user.id, session_id: session.id, issued_at: context.now, secret };
    let text = token.seal(ring.current(context.now)?);
    Ok(enrolment(app, &user, &token, text))
}

/// What an app is set up with whose first code was wrong, once more, of an enrolment of the caller's. `None` where it is another's,
/// or too old.
pub async fn mfa_totp_again(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    enrolment_token: &str,
) -> Result<Option<TotpEnrolment>, FactorsChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let ring = app.secrets.login_mac(context.now).await?;
    let token = own_enrolment(context, &caller, &ring, enrolment_token);
    Ok(token.map(|token| enrolment(app, &caller.user, &token, enrolment_token.to_owned())))
}

/// Reads a token that is of this user and session, and not too old.
pub(super) fn own_enrolment(
    context: &RequestContext,
    caller: &Authenticated,
    ring: &Ring<MacKey>,
    enrolment_token: &str,
) -> Option<EnrolmentToken> {
    let token = EnrolmentToken::open(enrolment_token, ring, context.now).ok()?;
    let is_own = token.user_id == caller.user.id && token.session_id == caller.session.id;
    (is_own && context.now < token.issued_at.plus(ENROLMENT_LIFE)).then_some(token)
}

fn enrolment(app: &App, user: &User, token: &EnrolmentToken, enrolment_token: String) -> TotpEnrolment {
    let secret = &token.secret;
    let uri = secret.uri(&app.config.service.name, user.email.display());
    TotpEnrolment { secret: secret.base32(), uri, enrolment_token, expires_in: ENROLMENT_LIFE }
}
