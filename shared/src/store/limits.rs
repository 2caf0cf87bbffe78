//! Counters that decide whether a guess is evaluated at all (EN-01 to EN-03). They count in the table, never in a
//! process, and the increment is the decision.

use std::time::Duration;

use crate::domain::attempts::WindowLimit;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::number;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::write::{Update, Write};

/// Whether an attempt may be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// It may, and has been counted.
    Reserved,
    /// It may not, for this long.
    Refused {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Sign-ins from one source.
    LoginSource,
    /// Passwords of one address tried from one source, and from no known device: the subject names both.
    LoginPair,
    /// Passwords of one address tried from no known device.
    LoginAccount,
    /// Passwords asked of one signed-in user.
    PasswordUser,
    /// Registrations from one source.
    RegisterSource,
    /// Registrations of one address.
    RegisterAddress,
    /// Orders of mails from one source.
    MailSource,
    /// Orders of mails of one kind to one address from one source: the subject names all three.
    MailPair,
    /// Orders of mails of one kind to one address: the subject names both.
    MailAddress,
    /// As [`Self::MailPair`], for resets.
    ResetPair,
    /// As [`Self::MailAddress`], for resets.
    ResetAddress,
    /// Orders of mails of one kind from one known device: the subject names both.
    MailDevice,
    /// Mails of one kind that tell an owner of something: the subject names kind and address.
    NoticeAddress,
    /// Mails to owners that somebody tried to register their address.
    RegisterNotice,
    /// All mails but notices of changes.
    MailAll,
}

impl Scope {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LoginSource => "login_source",
            Self::LoginPair => "login_pair",
            Self::LoginAccount => "login_account",
            Self::PasswordUser => "password_user",
            Self::RegisterSource => "register_source",
            Self::RegisterAddress => "register_address",
            Self::MailSource => "mail_source",
            Self::MailPair => "mail_pair",
            Self::MailAddress => "mail_address",
            Self::ResetPair => "reset_pair",
            Self::ResetAddress => "reset_address",
            Self::MailDevice => "mail_device",
            Self::NoticeAddress => "notice_address",
            Self::RegisterNotice => "register_notice",
            Self::MailAll => "mail_all",
        }
    }
}

impl Store {
    /// Counts an attempt in the current window, unless the window is full.
    pub async fn reserve_in_window(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let counted = self.window_update(scope, subject, limit, now).send(&self.client).await?;
        Ok(counted
            .either(Reservation::Reserved, Reservation::Refused { retry_after: limit.window_end(now).since(now) }))
    }

    /// Takes back an attempt that [`Self::reserve_in_window`] counted at `now`. The others stay.
    pub async fn give_back_in_window(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.take_one_back(&Key::window(scope.name(), subject, limit.window_start(now)), "attempts").await
    }

    /// Takes one off a counter, which is never below 0 and never made by this: one that is gone has nothing to give.
    pub(super) async fn take_one_back(&self, key: &Key, counter: &str) -> Result<(), StoreError> {
        let update = self
            .update(key, format!("ADD #{counter} :less"))
            .given(format!("#{counter} > :none"))
            .with([(":less", number(-1)), (":none", number(0))]);
        update.send(&self.client).await.map(drop)
    }

    /// Counts an attempt in the current window, on condition that it is not full.
    pub(super) fn window_update(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Write<Update> {
        self.update(&Key::window(scope.name(), subject, limit.window_start(now)), "ADD attempts :one SET #ttl = :ttl")
            .given("attribute_not_exists(attempts) OR attempts < :limit")
            .with([
                (":one", number(1)),
                (":limit", number(limit.limit)),
                (":ttl", number(limit.window_end(now).unix_seconds() + 3600)),
            ])
    }
}
