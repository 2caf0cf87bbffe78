//! A profile, as it is read and as a change of it answers.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::user::User;

/// A profile.
#[derive(Serialize, JsonSchema)]
pub struct MeReply {
    /// `usr_…`; never changes.
    id: String,
    /// The address as it was typed: to be shown.
    email: String,
    /// The address in its one form, by which it can be compared: in lower case, and the domain in ASCII.
    email_canonical: String,
    /// Whether it is shown to be theirs.
    email_verified: bool,
    /// The person's name.
    name: Option<String>,
    /// What the account may do.
    roles: Vec<String>,
    /// RFC 3339.
    created_at: String,
}

impl From<User> for MeReply {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.display().to_owned(),
            email_canonical: user.email.canonical().to_owned(),
            email_verified: user.email_verified,
            name: user.name.map(|name| name.as_str().to_owned()),
            roles: user.roles.into_iter().collect(),
            created_at: user.created_at.rfc3339(),
        }
    }
}
