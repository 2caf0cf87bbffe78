//! Taking a new password, wherever one is chosen (PW-03 to PW-05).

use crate::app::App;
use crate::crypto::password_wrap;
use crate::domain::credential::WrappedHash;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::name::DisplayName;
use crate::domain::password::{Context, Password, PasswordPolicy, PasswordRejection};
use crate::domain::timestamp::Timestamp;
use crate::use_cases::fault::Fault;

/// Accepts a password for an account with this address and name, or says why not. Asks nobody: it may be decided before
/// the table is touched.
pub(super) fn choose_password(
    app: &App,
    raw: &str,
    email: &Email,
    name: Option<&DisplayName>,
) -> Result<Password, PasswordRejection> {
    let words = Context {
        email_local: email.local_part(),
        email_domain: email.domain(),
        name: name.map(DisplayName::as_str),
        service_name: &app.config.service.name,
    };
    Password::parse(raw, PasswordPolicy::OnlyFactor, &words)
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
