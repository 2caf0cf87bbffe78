//! Signing in with a mailed code, or with the link that came with it (OT-11).
//!
//! A code works with the flow token that its order answered. A link works with it, too, in the browser that asked; anywhere
//! else it needs the code typed, after the person has seen which account it is: or a stranger could sign them in as himself.
//!
//! Store requests with a code: the source's counters; one round in parallel (a try on the item, credential; with a device
//! token also the device); one transaction (session, check on the user, item, audit; a new device and its notice); one
//! round that forgets the oldest of too many devices, or clears the known one's counter. A failure adds one audit write. A
//! link in its own flow: no counters, and the item is read.

mod tried;

use std::time::Duration;

use thiserror::Error;

use self::tried::Tried;
use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::sealed_token::CodeFlowToken;
use crate::domain::credential::Credential;
use crate::domain::device::Device;
use crate::domain::email::Email;
use crate::domain::one_time::OneTime;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::fault::{Fault, fault_arm};
use crate::store::error::StoreError;
use crate::store::limits::{Reservation, Scope};
use crate::store::one_time::CodeBond;
use crate::store::sign_in::devices::DeviceClaim;
use crate::telemetry::metrics::{self, SignIn};
use crate::use_cases::known_device::{PresentedDevice, presented_device, settle, sign_in_device};
use crate::use_cases::mailed_link::repeated;
use crate::use_cases::password_check::{admits, record_failure};
use crate::use_cases::reserve::reserve_for_source;
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
) -> Result<SignedIn, EmailCodeError> {
    // Boxed, since several store requests at once make a large future.
    counted(Box::pin(attempt(app, context, login)).await)
}

/// Says in the metrics how a sign-in ended.
pub(super) fn counted<T>(result: Result<T, EmailCodeError>) -> Result<T, EmailCodeError> {
    metrics::sign_in(match &result {
        Ok(_) => SignIn::SignedIn,
        Err(EmailCodeError::CodeRequired { .. }) => SignIn::CodeRequired,
        Err(EmailCodeError::Invalid | EmailCodeError::WrongCode { .. }) => SignIn::InvalidCode,
        Err(EmailCodeError::TooManyAttempts { .. }) => SignIn::TooManyAttempts,
        Err(EmailCodeError::Fault(_)) => SignIn::Fault,
    });
    result
}

async fn attempt(app: &App, context: &RequestContext, login: LoginEmailCodeVerify) -> Result<SignedIn, EmailCodeError> {
    let rings = SignInRings::fetch(app, context).await?;
    let keys = rings.keys(app, context)?;
    let begins = async |proven: &Proven<'_>| begin(app, context, proven, keys.mac).await;
    match begin_by_mail(app, context, &login, &rings.session_mac, begins).await? {
        ByMail::Begun(credential, begun) => Ok(issue_begun(app, context, begun, &credential.roles, keys)?),
        ByMail::Dead(tried) => again(app, context, &tried, &rings, keys).await,
    }
}

/// What became of a sign-in by mail.
pub(super) enum ByMail<'a> {
    /// There is a session of this account.
    Begun(Box<Credential>, Begun),
    /// What came by mail has expired, was used, or is of an account that has changed.
    Dead(Tried<'a>),
}

/// Tries what came by mail, and has a session begun in whichever way this is.
pub(super) async fn begin_by_mail<'a>(
    app: &App,
    context: &RequestContext,
    login: &'a LoginEmailCodeVerify,
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

    let device = sign_in_device(app, context, &credential, presented, found.device.as_ref())?;
    let proof = Proven { credential: &credential, amr: "otp", proof: Some(&item), device: &device };
    let Some(begun) = begins(&proof).await? else { return Ok(ByMail::Dead(tried)) };
    settle(app, context, None, &device).await;
    Ok(ByMail::Begun(Box::new(credential), begun))
}

/// What the table has to say to a try.
struct Found {
    item: Option<OneTime>,
    device: Option<Device>,
}

/// Counts a code before it is evaluated (EN-01): against the source, and then on the item that its flow or its link names,
/// which nobody else can reach. A link cannot be guessed.
async fn look_up(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    presented: Option<&PresentedDevice>,
) -> Result<Found, EmailCodeError> {
    let (now, email) = (context.now, tried.email());
    if let Tried::Code { .. } | Tried::LinkWithCode(..) = tried {
        let limit = &app.config.limits.login_source;
        if let Reservation::Refused { retry_after } =
            reserve_for_source(app, context, Scope::LoginSource, limit).await?
        {
            return Err(EmailCodeError::TooManyAttempts { retry_after });
        }
    }
    let item = async {
        match tried {
            Tried::Code { flow: None, .. } => Ok(None),
            Tried::Code { flow: Some((id, hash)), .. } => {
                app.store.reserve_code_attempt(email, *id, CodeBond::Flow(hash), now).await
            }
            Tried::LinkWithCode(token, _) => {
                let bond = CodeBond::Link(&token.nonce);
                app.store.reserve_code_attempt(email, token.one_time_id(), bond, now).await
            }
            Tried::LinkInFlow(token, _) | Tried::LinkAlone(token) => app.store.read_one_time(token).await,
        }
    };
    let device = read_device(app, presented.map(|presented| &presented.claim), now);
    let (item, device) = futures::try_join!(item, device)?;
    Ok(Found { item, device })
}

async fn read_device(app: &App, claim: Option<&DeviceClaim>, now: Timestamp) -> Result<Option<Device>, StoreError> {
    match claim {
        Some(claim) => app.store.read_device(claim, now).await,
        None => Ok(None),
    }
}

/// What the same browser is answered that presses the button of a link again (OT-02); anybody else is refused.
async fn again(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    rings: &SignInRings,
    keys: SignInKeys<'_>,
) -> Result<SignedIn, EmailCodeError> {
    if let Some(token) = tried.link()
        && let Some(used) = repeated(app, context, token).await?
        && let Some(signed_in) = resume(app, context, &used, rings, keys).await?
    {
        return Ok(signed_in);
    }
    Err(refuse(app, context, tried).await?)
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
