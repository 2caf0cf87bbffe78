//! Taking a new password, wherever one is chosen (PW-03 to PW-05).

use std::time::Duration;

use crate::app::App;
use crate::crypto::password_wrap;
use crate::domain::credential::WrappedHash;
use crate::domain::email::Email;
use crate::domain::factors::{Factors, PasswordKind};
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::domain::password::{Context, Password, PasswordPolicy, PasswordRejection};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::Fault;

/// Accepts a password for an account with this address and name, or says why not. It is decided before the table is
/// touched.
pub(super) async fn choose_password(
    app: &App,
    raw: &str,
    (email, name): (&Email, Option<&DisplayName>),
    policy: PasswordPolicy,
) -> Result<Password, PasswordRejection> {
    let words = Context {
        email_local: email.local_part(),
        email_domain: email.domain(),
        name: name.map(DisplayName::as_str),
        service_name: &app.config.service.name,
    };
    let password = Password::parse(raw, policy, &words)?;
    let check = &app.config.breach_check;
    if let Some(url) = &check.range_url
        && app.breaches.knows(url, Duration::from_millis(check.timeout_ms), &password).await
    {
        return Err(PasswordRejection::Breached);
    }
    Ok(password)
}

/// Accepts another password for an account, as [`choose_password`] does, and gives what the account's factors are with it. `None`
/// where they stay as they are.
pub(super) async fn choose_next_password(
    app: &App,
    raw: &str,
    user: &User,
) -> Result<(Password, Option<Factors>), PasswordRejection> {
    let policy = user.factors.password_policy(app.config.passkeys.rp_id());
    let password = choose_password(app, raw, (&user.email, user.name.as_ref()), policy).await?;
    let kind = if password.suffices_alone() { PasswordKind::Sufficient } else { PasswordKind::Short };
    Ok((password, user.factors.with_password(kind)))
}

/// Hashes a password and wraps the hash for this account (PW-01, PW-02).
pub(super) async fn wrapped_hash(
    app: &App,
    now: Timestamp,
    user_id: UserId,
    password: &Password,
) -> Result<WrappedHash, Fault> {
    let ring = app.secrets.password_wrap(now).await?;
    let phc = app.hasher.hash(password, app.entropy.bytes()?).await?;
    Ok(password_wrap::wrap(&phc, user_id, &ring, now, &*app.entropy)?)
}
