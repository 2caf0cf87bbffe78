//! Showing again who one is, in the session that one has (SE-10, RFC 9470): what needs a recent sign-in can then be asked for,
//! and no other session begins.
//!
//! Store requests: two reads in parallel (session, user); one round in parallel (credential, source's counter); the counter of
//! who is signed in; one transaction (session, check on the user, audit); the attempt is given back. A wrong password adds
//! one audit write in place of the last two. A second factor adds its user's counter, a read, and its part of the transaction; a wrong one
//! an audit write. A passkey that stands alone does without all of the password's.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::passkey_challenge::{Ceremony, CeremonyPurpose};
use crate::crypto::webauthn::expected::UserVerification;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::factors::{Level, Shown, acr};
use crate::domain::password::Password;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::FirstFactor;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::fault::{Fault, fault_arm};
use crate::store::sign_in::sessions::SteppingUp;
use crate::use_cases::authenticate::{AuthenticateError, Authenticated, authenticate};
use crate::use_cases::counted::Counted;
use crate::use_cases::password_check::{PasswordCheckError, check_password_of};
use crate::use_cases::second_factor::{Failed, SecondFactorError, SecondProof, judge, record_failure};
use crate::use_cases::sign_in::session::access_token;

/// What the session's next access token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteppedUp {
    /// A JWT (RFC 9068) of the same session. The refresh token stays as it is.
    pub access_token: String,
    /// How long it lives.
    pub expires_in: Duration,
    /// When the person showed who they are: now.
    pub authenticated_at: Timestamp,
    /// How sure that makes us: [`crate::domain::factors::acr`].
    pub acr: &'static str,
}

/// Why the session is as it was.
#[derive(Debug, Error)]
pub enum StepUpError {
    /// The caller is nobody, or the session has ended.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// The password is wrong, or may not be tried now.
    #[error(transparent)]
    Password(#[from] PasswordCheckError),
    /// Neither the password was shown, nor a passkey.
    #[error("the password is missing")]
    PasswordMissing,
    /// The second factor is wrong, or may not be tried now.
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(StepUpError);

/// What is shown again.
pub struct StepUp {
    /// The password; none where a passkey stands alone.
    pub password: Option<Password>,
    /// The second factor, where the account has one.
    pub second: Option<SecondProof>,
}

/// What a passkey is asked for in a session.
pub(super) fn ceremony(session: &Session) -> Ceremony {
    Ceremony { purpose: CeremonyPurpose::StepUp, user_id: session.user_id, subject: session.id.to_bytes() }
}

/// Notes in the caller's session that its person has shown again all that the account has (MF-07).
pub async fn step_up(
    app: &App,
    context: &RequestContext,
    bearer: Option<&str>,
    shown: &StepUp,
) -> Result<SteppedUp, StepUpError> {
    let now = context.now;
    let Authenticated { user, session, .. } = authenticate(app, context, bearer).await?;
    let rp_id = app.config.passkeys.rp_id();
    let (level, methods) = (user.factors.level(rp_id), user.factors.methods(rp_id));
    let stands_alone = shown.second.as_ref().is_some_and(SecondProof::can_stand_alone);
    if shown.password.is_none() && !stands_alone {
        return Err(StepUpError::PasswordMissing);
    }
    if level == Level::Two && shown.second.is_none() {
        return Err(AuthenticateError::NotFresh { level, methods }.into());
    }
    // Before anything is written: no session may be noted whose token cannot be answered with.
    let signing = app.secrets.signing(now).await?;
    let key = signing.current(app.config.tokens.algorithm, now)?;
    let (mut counted, first, verification) = match &shown.password {
        Some(password) => {
            let checked = check_password_of(app, context, &user, password).await?;
            (checked.counted, Some(FirstFactor::Password), UserVerification::Preferred)
        }
        None => (Counted::nowhere(app)?, None, UserVerification::Required),
    };
    let email_key = user.email.key();
    let second = match &shown.second {
        Some(proof) => match judge(app, context, &ceremony(&session), proof, verification).await {
            Err(SecondFactorError::Wrong) => {
                // Whoever is signed in need not be told that somebody knows the password.
                let failed = Failed { user_id: user.id, email_key: &email_key, is_known: true };
                record_failure(app, context, &failed).await?;
                return Err(SecondFactorError::Wrong.into());
            }
            judged => Some(judged?),
        },
        None => None,
    };
    let notice = match &second {
        Some(second) => second.notice(app, context, user.id, &email_key)?,
        None => None,
    };
    let by = match (&second, first) {
        (None, _) => Shown::Password,
        (Some(_), None) => Shown::Passkey,
        (Some(second), Some(first)) => second.after(first),
    };
    let session = Session { authenticated_at: now, amr: by.amr(), ..session };
    let action = second.as_ref().and_then(|second| second.used.action()).unwrap_or(AuditAction::SteppedUp);
    let audit = app.audit(context, Subject::User(user.id), action, Some(session.id))?;
    let used = second.as_ref().map(|second| (&second.used, notice.as_ref()));
    let outcome = app.store.step_up(&session, used, &audit).await?;
    if outcome == SteppingUp::SessionGone {
        counted.stands();
        return Err(AuthenticateError::SessionEnded.into());
    }
    let given = async {
        if let Some(second) = second {
            second.counted.give_back().await;
        }
    };
    futures::join!(counted.give_back(), given);
    if outcome == SteppingUp::FactorUsed {
        return Err(SecondFactorError::Wrong.into());
    }
    let (access_token, expires_in) = access_token(app, context, &session, &user.roles, key)?;
    Ok(SteppedUp { access_token, expires_in, authenticated_at: now, acr: acr(&session.amr) })
}
