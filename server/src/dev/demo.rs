//! A user to try things with: verified, so that the tour works whatever the configuration asks of others.

use thiserror::Error;
use wardgate::app::App;
use wardgate::crypto::password_wrap;
use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::credential::Credential;
use wardgate::domain::email::{Email, InvalidEmail};
use wardgate::domain::id::UserId;
use wardgate::domain::language::Language;
use wardgate::domain::name::{DisplayName, InvalidName};
use wardgate::domain::origin::Origin;
use wardgate::domain::password::Password;
use wardgate::domain::request_context::RequestContext;
use wardgate::domain::user::User;
use wardgate::fault::Fault;

/// The demo user's address.
pub const EMAIL: &str = "demo@example.com";
/// The demo user's password.
pub const PASSWORD: &str = "tulips lean over quiet canals";

/// Why there is no demo user.
#[derive(Debug, Error)]
pub enum DemoError {
    /// [`EMAIL`] is not an address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// [`PASSWORD`] is too long.
    #[error("the demo password is too long")]
    Password,
    /// A part of the service failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Creates the demo user unless the address has an account.
pub async fn ensure(app: &App) -> Result<(), DemoError> {
    let now = app.clock.now();
    let email = Email::parse(EMAIL)?;
    if app.store.read_credential(&email.key()).await.map_err(Fault::from)?.is_some() {
        return Ok(());
    }
    let name = DisplayName::parse("Demo User")?;
    let id = UserId::new(now, app.entropy.number().map_err(Fault::from)?);
    let user = User { email_verified: true, ..User::new(id, email, Some(name), now) };
    let credential = credential(app, &user).await?;
    let context = RequestContext {
        now,
        origin: Origin::new(None, None),
        language: Language::default(),
        request_id: "demo-user".to_owned(),
    };
    let audit = app.audit(&context, Subject::User(id), AuditAction::Registered, None).map_err(Fault::from)?;
    app.store.create_account(&user, &credential, &audit).await.map_err(Fault::from)?;
    Ok(())
}

async fn credential(app: &App, user: &User) -> Result<Credential, DemoError> {
    let password = Password::attempt(PASSWORD).ok_or(DemoError::Password)?;
    let salt = app.entropy.bytes().map_err(Fault::from)?;
    let phc = app.hasher.hash(&password, salt).await.map_err(Fault::from)?;
    let ring = app.secrets.password_wrap(user.created_at).await.map_err(Fault::from)?;
    let wrapped = password_wrap::wrap(&phc, user.id, &ring, user.created_at, &*app.entropy).map_err(Fault::from)?;
    Ok(Credential::of(user, Some(wrapped)))
}
