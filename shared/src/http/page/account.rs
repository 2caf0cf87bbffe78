//! A person's own page.

use serde::Serialize;

use crate::domain::audit::AuditAction;

/// What it shows. Each of its forms posts `csrf`, and the one member that says what is meant.
#[derive(Clone, Copy, Serialize)]
pub struct AccountPage<'a> {
    /// A token against forged requests.
    pub csrf: &'a str,
    /// The person's name.
    pub name: Option<&'a str>,
    /// The address that signs in.
    pub email: &'a str,
    /// Whether there is a second factor.
    pub second_factor: bool,
    /// Where the person is signed in, newest first. Posts `session`, or `others`.
    pub sessions: &'a [SessionRow],
    /// What has something of the person's. Posts `application`.
    pub applications: &'a [ApplicationRow],
    /// What happened, newest first.
    pub activity: &'a [ActivityRow],
    /// What has just been done: `saved`, or none.
    pub said: &'static str,
}

/// A session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionRow {
    /// Names it.
    pub id: String,
    /// Whether the browser has it.
    pub current: bool,
    /// `Firefox on Linux`.
    pub device: String,
    /// From where.
    pub address: Option<String>,
    /// When the person signed in.
    pub at: String,
}

/// An application.
#[derive(Debug, Clone, Serialize)]
pub struct ApplicationRow {
    /// Names it.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may have.
    pub scopes: Vec<String>,
    /// Since when.
    pub at: String,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub struct ActivityRow {
    /// What, for the page's words.
    pub action: AuditAction,
    /// When.
    pub at: String,
    /// On which device.
    pub device: Option<String>,
    /// From where.
    pub address: Option<String>,
}
