//! What the form of the second step knows of the first.

use serde::Serialize;

/// The first step of a sign-in, as the form of the second carries it.
#[derive(Clone, Copy, Serialize)]
pub struct FirstStep<'a> {
    /// What it has answered.
    pub mfa_token: &'a str,
    /// Whether it was the link of a mail.
    pub by_link: bool,
    /// Whether the account has a passkey.
    pub passkey: bool,
    /// Whether it has an app.
    pub app: bool,
    /// The box by which the device is to stand for the second; none where it cannot.
    pub remember_device: Option<RememberDevice>,
}

/// The box by which a device is to stand for the second step.
#[derive(Clone, Copy, Serialize)]
pub struct RememberDevice {
    /// For how many days.
    pub days: u64,
    /// Whether it is ticked.
    pub ticked: bool,
}

impl RememberDevice {
    /// The box where there are such days, and none where there are 0.
    #[must_use]
    pub fn offered(days: u64, ticked: bool) -> Option<Self> {
        (days > 0).then_some(Self { days, ticked })
    }
}
