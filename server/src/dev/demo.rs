//! A user to try things with, made through the same use case as everybody else's account.

use wardgate::app::{App, RequestContext};
use wardgate::domain::email::Email;
use wardgate::domain::name::DisplayName;
use wardgate::domain::origin::Origin;
use wardgate::use_cases::register::{Register, register};

use crate::dev::DevError;

/// The demo user's address.
pub const EMAIL: &str = "demo@example.com";
/// The demo user's password.
pub const PASSWORD: &str = "tulips lean over quiet canals";

/// Creates the demo user unless the address has an account.
pub async fn ensure(app: &App) -> Result<(), DevError> {
    let failed = |error: &dyn std::fmt::Display| DevError::Demo(error.to_string());
    let email = Email::parse(EMAIL).map_err(|error| failed(&error))?;
    if app.store.read_credential(&email.key()).await.map_err(|error| failed(&error))?.is_some() {
        return Ok(());
    }
    let name = DisplayName::parse("Demo User").map_err(|error| failed(&error))?;
    let context =
        RequestContext { now: app.clock.now(), origin: Origin::new(None, None), request_id: "demo-user".to_owned() };
    let asked = Register { email, password: PASSWORD, name: Some(name) };
    register(app, &context, asked).await.map(|_| ()).map_err(|error| failed(&error))
}
