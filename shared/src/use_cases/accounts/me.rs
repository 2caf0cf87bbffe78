//! The caller's own profile.

use crate::app::App;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::use_cases::authenticate::{AuthenticateError, authenticate};

/// Reads the caller's account.
pub async fn me(app: &App, context: &RequestContext, access_token: Option<&str>) -> Result<User, AuthenticateError> {
    Ok(authenticate(app, context, access_token).await?.user)
}
