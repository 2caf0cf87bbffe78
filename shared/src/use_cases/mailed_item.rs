//! The items that mails are sent from, about the request that writes them.

use std::time::Duration;

use crate::app::App;
use crate::domain::email::EmailKey;
use crate::domain::id::{OneTimeId, UserId};
use crate::domain::nonce::Nonce;
use crate::domain::one_time::{Mailing, OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::entropy::NoEntropy;

/// How long a notice is kept for its mail to be sent: longer than any queue tries.
const NOTICE_LIFE: Duration = Duration::from_hours(14 * 24);

impl App {
    /// The mail that this request asks for.
    pub fn mailing(&self, context: &RequestContext) -> Result<Mailing, NoEntropy> {
        Ok(Mailing {
            nonce: Nonce::new(self.entropy.bytes()?),
            language: context.language,
            source: context.origin.source(),
            mac_kid: None,
            sent_at: None,
        })
    }

    /// An item that a mail is sent from. What else it needs is for the caller to fill in.
    pub fn one_time(
        &self,
        context: &RequestContext,
        purpose: Purpose,
        email_key: EmailKey,
        life: Duration,
    ) -> Result<OneTime, NoEntropy> {
        Ok(OneTime {
            id: OneTimeId::new(context.now, self.entropy.number()?),
            purpose,
            email_key,
            mailing: self.mailing(context)?,
            user_id: None,
            cred_version: None,
            recipient: None,
            address: None,
            user_agent: None,
            flow_hash: None,
            registration_id: None,
            undo_seconds: None,
            factor_change: None,
            factors_since: None,
            usable_from: None,
            recovery_codes_left: None,
            created_at: context.now,
            expires_at: context.now.plus(life),
            attempts: 0,
            used_at: None,
            used_by: None,
            session_id: None,
        })
    }

    /// An item whose mail tells an account's owner something, at the address that the account has now.
    pub fn notice(&self, context: &RequestContext, purpose: Purpose, user: &User) -> Result<OneTime, NoEntropy> {
        let item = self.one_time(context, purpose, user.email.key(), NOTICE_LIFE)?;
        Ok(OneTime { user_id: Some(user.id), recipient: Some(user.email.clone()), ..item })
    }

    /// An item whose mail tells an account's owner of the device that this request comes from, at the address that the
    /// account has by then.
    pub fn new_device_notice(
        &self,
        context: &RequestContext,
        user_id: UserId,
        email_key: EmailKey,
    ) -> Result<OneTime, NoEntropy> {
        Ok(OneTime {
            user_id: Some(user_id),
            address: context.origin.address.map(|address| address.to_string()),
            user_agent: context.origin.user_agent.clone(),
            ..self.one_time(context, Purpose::NewDevice, email_key, NOTICE_LIFE)?
        })
    }

    /// An item whose mail tells an account's owner that this request presented a refresh token that had been used, and
    /// that its session has ended.
    pub fn session_reused_notice(
        &self,
        context: &RequestContext,
        user_id: UserId,
        email_key: EmailKey,
    ) -> Result<OneTime, NoEntropy> {
        let notice = self.new_device_notice(context, user_id, email_key)?;
        Ok(OneTime { purpose: Purpose::SessionReused, ..notice })
    }
}
