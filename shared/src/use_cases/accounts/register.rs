//! Asking for an account.
//!
//! The same work for every address: the counters of source, pair and address one after the other, one credential read,
//! always one hash, one transaction. The answer never tells whether the address has an account (EN-04).

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::sealed_token::{FlowToken, TokenSecret, secret_hash};
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::credential::Credential;
use crate::domain::email::Email;
use crate::domain::id::{RegistrationId, UserId};
use crate::domain::mail_order::MailKind;
use crate::domain::name::DisplayName;
use crate::domain::password::{PasswordPolicy, PasswordRejection};
use crate::domain::registration::{Registration, RegistrationKind};
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::accounts::users::AccountCreation;
use crate::store::limits::{Reservation, Scope};
use crate::use_cases::choose_password::{choose_password, wrapped_hash};
use crate::use_cases::order_mail::{Order, reserve_order};
use crate::use_cases::reserve::reserve_for_source;

/// Who asks, with the password as it was typed: whether it is good enough depends on the rest.
pub struct Register<'a> {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: &'a str,
    /// The person's name.
    pub name: Option<DisplayName>,
}

/// What every registration answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// Belongs to this registration alone (OT-10).
    pub flow_token: String,
}

/// Why a registration was not taken.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// Operators have closed sign-up (`switches.sign_up`).
    #[error("sign-up is closed")]
    SignUpClosed,
    /// The password is not good enough. Says nothing of the address: it is decided before the table is asked.
    #[error(transparent)]
    Password(#[from] PasswordRejection),
    /// Too many registrations of this address or from this source.
    #[error("too many registrations")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(RegisterError);

/// Whether registrations are taken at all: for whoever asks before anything of one is looked at.
pub fn admit(app: &App) -> Result<(), RegisterError> {
    if app.config.switches.sign_up { Ok(()) } else { Err(RegisterError::SignUpClosed) }
}

/// Takes a registration.
pub async fn register(
    app: &App,
    context: &RequestContext,
    register: Register<'_>,
) -> Result<Registered, RegisterError> {
    admit(app)?;
    let (now, email) = (context.now, register.email);
    let password =
        choose_password(app, register.password, (&email, register.name.as_ref()), PasswordPolicy::OnlyFactor).await?;
    let login_ring = app.secrets.login_mac(now).await?;
    let mac_key = login_ring.current(now)?;

    let (key, limits) = (email.key(), &app.config.limits);
    let by_source = reserve_for_source(app, context, Scope::RegisterSource, &limits.register_source).await?;
    if let Reservation::Refused { retry_after } = by_source {
        return Err(RegisterError::TooManyAttempts { retry_after });
    }
    let order = Order { kind: MailKind::Registration, email: &key, device: None };
    if let Reservation::Refused { retry_after } = reserve_order(app, context, &order).await? {
        return Err(RegisterError::TooManyAttempts { retry_after });
    }

    let taken = app.store.read_credential(&key).await?.is_some_and(|credential| !credential.is_free(now));
    let user_id = UserId::new(now, app.entropy.number()?);
    let secret: TokenSecret = app.entropy.bytes()?;
    let registration = Registration {
        id: RegistrationId::new(now, app.entropy.number()?),
        kind: if taken { RegistrationKind::OwnerNotice } else { RegistrationKind::Verification },
        name: register.name,
        user_id,
        password: wrapped_hash(app, now, user_id, &password).await?,
        flow_hash: secret_hash(&secret),
        mailing: app.mailing(context)?,
        created_at: now,
        expires_at: now.plus(Duration::from_secs(app.config.accounts.verification_seconds)),
        attempts: 0,
        used_at: None,
        used_by: None,
        email,
    };
    let flow_token = FlowToken { registration_id: registration.id, secret }.seal(mac_key);
    let audit = app.audit(context, Subject::Address(key), AuditAction::Registered, None)?;
    if registration.kind == RegistrationKind::Verification && !app.config.accounts.require_verified_email {
        create_account(app, context, registration, &audit).await?;
    } else {
        app.store.add_registration(&registration, &audit).await?;
    }
    Ok(Registered { flow_token })
}

/// Without verification the account exists at once, and its address is verified all the same. Where another registration
/// was faster, its owner is told, as if this one had come later.
async fn create_account(
    app: &App,
    context: &RequestContext,
    registration: Registration,
    audit: &AuditEntry,
) -> Result<(), RegisterError> {
    let (email, name) = (registration.email.clone(), registration.name.clone());
    let user = User::new(registration.user_id, email, name, context.now);
    let credential = Credential::of(&user, Some(registration.password.clone()));
    match app.store.create_unverified_account(&user, &credential, &registration, audit).await? {
        AccountCreation::Created => Ok(()),
        AccountCreation::EmailTaken => {
            let notice = Registration { kind: RegistrationKind::OwnerNotice, ..registration };
            Ok(app.store.add_registration(&notice, audit).await?)
        }
    }
}
