//! Signing in with a mailed code, or with the link that came with it (OT-11).
//!
//! A code works with the flow token that its order answered. A link works with it, too, in the browser that asked; anywhere
//! else it needs the code typed, after the person has seen which account it is: or a stranger could sign them in as himself.
//!
//! Store requests with a code: the source's counters; one round in parallel (a try on the item, credential; with a device
//! token also the device); one transaction (session, check on the user, item, audit; a new device and its notice); one
//! round that forgets the oldest of too many devices, or clears the known one's counter. A failure adds one audit write. A
//! link in its own flow: no counters, and the item is read. Where a second factor is asked for, the transaction uses the item up
//! and has the challenge, and no round follows.

mod look_up;
mod tried;

use std::time::Duration;

use thiserror::Error;

use self::look_up::look_up;
use self::tried::Tried;
use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::CodeFlowToken;
use crate::domain::credential::Credential;
use crate::domain::email::Email;
use crate::domain::factors::{Shown, Wanted};
use crate::domain::one_time::OneTime;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::FirstFactor;
use crate::fault::{Fault, fault_arm};
use crate::telemetry::metrics::{self, SignIn};
use crate::use_cases::known_device::{presented_device, settle, sign_in_device};
use crate::use_cases::mailed_link::repeated;
use crate::use_cases::password_check::{admits, record_failure};
use crate::use_cases::sign_in::second_step::{MfaRequired, SignInStep, ask, is_asked_for, is_asked_for_on};
use crate::use_cases::sign_in::session::{
    Begun, Proven, SignInKeys, SignInRings, SignedIn, begin, issue_begun, resume,
};

/// What came by mail.
pub enum MailedProof {
    /// A code that a person typed, and the address that they typed.
    Code {
        /// The address.
        email: Email,
        /// The code.
        code: String,
    },
    /// The token of a link.
    Link {
        /// The token.
        token: String,
        /// The code that the same mail says, where it was typed beside the link.
        code: Option<String>,
    },
}

/// A sign-in by mail.
pub struct LoginEmailCodeVerify {
    /// What came by mail.
    pub proof: MailedProof,
    /// What the order for the mail answered; it counts as none if it is not that order's.
    pub flow_token: Option<String>,
    /// What an earlier sign-in gave the device; it counts as none if it is not this address's.
    pub device_token: Option<String>,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum EmailCodeError {
    /// Wrong, expired, used, or of an account that has changed or does not exist: the answer is the same (EN-04).
    #[error("the code is not valid")]
    Invalid,
    /// The link works, and its mail was asked for elsewhere: the code has to be typed, by who knows the account.
    #[error("the code has to be typed")]
    CodeRequired {
        /// The account's address.
        email: Email,
    },
    /// As [`Self::CodeRequired`], and the one that was typed beside the link is wrong.
    #[error("the code beside the link is wrong")]
    WrongCode {
        /// The account's address.
        email: Email,
    },
    /// Too many codes tried; this one was not evaluated (OT-11).
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EmailCodeError);

/// Signs in.
pub async fn login_email_code_verify(
    app: &App,
    context: &RequestContext,
    login: LoginEmailCodeVerify,
) -> Result<SignInStep<SignedIn>, EmailCodeError> {
    // Boxed, since several store requests at once make a large future.
    counted(Box::pin(attempt(app, context, login)).await)
}

/// Says in the metrics how a sign-in ended, or how far it has come.
pub(super) fn counted<T>(result: Result<SignInStep<T>, EmailCodeError>) -> Result<SignInStep<T>, EmailCodeError> {
    metrics::sign_in(match &result {
        Ok(SignInStep::SignedIn(_)) => SignIn::SignedIn,
        Ok(SignInStep::MfaRequired(_)) => SignIn::MfaRequired,
        Err(EmailCodeError::CodeRequired { .. }) => SignIn::CodeRequired,
        Err(EmailCodeError::Invalid | EmailCodeError::WrongCode { .. }) => SignIn::InvalidCode,
        Err(EmailCodeError::TooManyAttempts { .. }) => SignIn::TooManyAttempts,
        Err(EmailCodeError::Fault(_)) => SignIn::Fault,
    });
    result
}

async fn attempt(
    app: &App,
    context: &RequestContext,
    login: LoginEmailCodeVerify,
) -> Result<SignInStep<SignedIn>, EmailCodeError> {
    let rings = SignInRings::fetch(app, context).await?;
    let keys = rings.keys(app, context)?;
    let begins = async |proven: &Proven<'_>| begin(app, context, proven, keys.mac).await;
    Ok(match begin_by_mail(app, context, &login, Wanted::Session, &rings.session_mac, begins).await? {
        ByMail::Begun(credential, begun) => {
            SignInStep::SignedIn(issue_begun(app, context, begun, &credential.roles, keys)?)
        }
        ByMail::MfaRequired(required) => SignInStep::MfaRequired(required),
        ByMail::Dead(tried) => again(app, context, &tried, &rings, keys).await?,
    })
}

/// What became of a sign-in by mail.
pub(super) enum ByMail<'a> {
    /// There is a session of this account.
    Begun(Box<Credential>, Begun),
    /// The account has a second factor, which is asked for.
    MfaRequired(MfaRequired),
    /// What came by mail has expired, was used, or is of an account that has changed.
    Dead(Tried<'a>),
}

/// Tries what came by mail, and has a session begun in whichever way this is.
pub(super) async fn begin_by_mail<'a>(
    app: &App,
    context: &RequestContext,
    login: &'a LoginEmailCodeVerify,
    wanted: Wanted,
    session_mac: &Ring<MacKey>,
    begins: impl AsyncFnOnce(&Proven<'_>) -> Result<Option<Begun>, Fault>,
) -> Result<ByMail<'a>, EmailCodeError> {
    let now = context.now;
    let mail_ring = app.secrets.mail_mac(now).await?;
    let flow = match login.flow_token.as_deref() {
        Some(text) => CodeFlowToken::open(text, &*app.secrets.login_mac(now).await?, now).ok(),
        None => None,
    };
    // A forged link is refused with no store request.
    let tried = Tried::read(&login.proof, flow, &mail_ring, now)?;

    let presented = presented_device(login.device_token.as_deref(), tried.email(), session_mac, context);
    let found = look_up(app, context, &tried, presented.as_ref()).await?;
    let shown = found.item.as_ref().map(|item| tried.shown(item, &mail_ring, now)).transpose()?;
    if matches!(tried, Tried::Code { .. }) && shown != Some(true) {
        return Err(refuse(app, context, &tried).await?);
    }
    // Not before: whether an address has an account takes a measurable while to find out (EN-04).
    let credential = app.store.read_credential(tried.email()).await?;
    // Bound by the mailer to the credentials that the account had when the mail went out (SE-04).
    let bound = found.item.zip(credential).filter(|(item, credential)| {
        item.is_live(now)
            && item.user_id == Some(credential.user_id)
            && item.cred_version == Some(credential.cred_version)
            && admits(app, credential)
    });
    let Some((item, credential)) = bound else { return Ok(ByMail::Dead(tried)) };
    if shown != Some(true) {
        return Err(not_shown(app, context, &tried, &credential).await?);
    }
    let item = item.used_from(&context.origin);
    if is_asked_for_on(app, context, &credential, wanted, found.device.as_ref()).await? {
        let required = ask(app, context, &credential, FirstFactor::Mail, Some(&item)).await?;
        return Ok(required.map_or(ByMail::Dead(tried), ByMail::MfaRequired));
    }

    let device = sign_in_device(app, context, &credential, presented, found.device.as_ref())?;
    let proof =
        Proven { credential: &credential, shown: Shown::Mail, proof: Some(&item), second: None, device: &device };
    let Some(begun) = begins(&proof).await? else { return Ok(ByMail::Dead(tried)) };
    settle(app, context, None, &device).await;
    Ok(ByMail::Begun(Box::new(credential), begun))
}

/// What the same browser is answered that presses the button of a link again (OT-02); anybody else is refused.
async fn again(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    rings: &SignInRings,
    keys: SignInKeys<'_>,
) -> Result<SignInStep<SignedIn>, EmailCodeError> {
    if let Some(token) = tried.link()
        && let Some(used) = repeated(app, context, token).await?
    {
        if let Some(signed_in) = resume(app, context, &used, rings, keys).await? {
            return Ok(SignInStep::SignedIn(signed_in));
        }
        if used.session_id.is_none()
            && let Some(required) = ask_again(app, context, &used).await?
        {
            return Ok(SignInStep::MfaRequired(required));
        }
    }
    Err(refuse(app, context, tried).await?)
}

/// The second factor is asked for once more where it was: by another challenge, which is worth as much as the one before.
async fn ask_again(app: &App, context: &RequestContext, used: &OneTime) -> Result<Option<MfaRequired>, Fault> {
    let credential = app.store.read_credential(&used.email_key).await?.filter(|credential| {
        used.user_id == Some(credential.user_id)
            && used.cred_version == Some(credential.cred_version)
            && admits(app, credential)
            && is_asked_for(app, credential, Wanted::Session)
    });
    match credential {
        Some(credential) => ask(app, context, &credential, FirstFactor::Mail, None).await,
        None => Ok(None),
    }
}

/// Records that the try failed.
pub(super) async fn refuse(app: &App, context: &RequestContext, tried: &Tried<'_>) -> Result<EmailCodeError, Fault> {
    record_failure(app, context, tried.email().clone()).await?;
    Ok(EmailCodeError::Invalid)
}

/// What to say of an item that works, to who has not shown enough: whoever has its link may know whose it is.
async fn not_shown(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    credential: &Credential,
) -> Result<EmailCodeError, Fault> {
    let typed = match tried {
        Tried::LinkAlone(_) => false,
        Tried::LinkWithCode(..) => true,
        Tried::Code { .. } | Tried::LinkInFlow(..) => return refuse(app, context, tried).await,
    };
    let user = app.store.read_user(credential.user_id).await?;
    let Some(email) = user.map(|user| user.email) else { return refuse(app, context, tried).await };
    if !typed {
        return Ok(EmailCodeError::CodeRequired { email });
    }
    refuse(app, context, tried).await?;
    Ok(EmailCodeError::WrongCode { email })
}
