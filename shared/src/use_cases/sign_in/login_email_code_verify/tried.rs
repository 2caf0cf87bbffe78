//! What a sign-in by mail tries, and whether it shows what it has to (OT-11).

use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::mail_token::{MailToken, code_matches};
use crate::crypto::sealed_token::{CodeFlowToken, secret_hash};
use crate::domain::email::EmailKey;
use crate::domain::id::OneTimeId;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::use_cases::sign_in::login_email_code_verify::{EmailCodeError, MailedProof};

/// What is tried.
pub(in crate::use_cases) enum Tried<'a> {
    /// A code, and the flow that it was asked for in, if it was.
    Code { email: EmailKey, code: &'a str, flow: Option<(OneTimeId, String)> },
    /// A link in its own flow, whose secret has this hash.
    LinkInFlow(MailToken, String),
    /// A link elsewhere, with the code of its mail.
    LinkWithCode(MailToken, &'a str),
    /// A link elsewhere.
    LinkAlone(MailToken),
}

impl<'a> Tried<'a> {
    pub(in crate::use_cases) fn read(
        proof: &'a MailedProof,
        flow: Option<CodeFlowToken>,
        ring: &Ring<MacKey>,
        now: Timestamp,
    ) -> Result<Self, EmailCodeError> {
        let flow = flow.map(|flow| (flow.one_time_id, secret_hash(&flow.secret)));
        let (token, code) = match proof {
            MailedProof::Code { email, code } => return Ok(Self::Code { email: email.key(), code, flow }),
            MailedProof::Link { token, code } => (token, code),
        };
        let token = MailToken::open(token, Purpose::EmailCode, ring, now).map_err(|_| EmailCodeError::Invalid)?;
        Ok(match (flow.filter(|(id, _)| *id == token.one_time_id()), code) {
            (Some((_, hash)), _) => Self::LinkInFlow(token, hash),
            (None, Some(code)) => Self::LinkWithCode(token, code),
            (None, None) => Self::LinkAlone(token),
        })
    }

    pub(in crate::use_cases) fn email(&self) -> &EmailKey {
        match self {
            Self::Code { email, .. } => email,
            Self::LinkInFlow(token, _) | Self::LinkWithCode(token, _) | Self::LinkAlone(token) => &token.email_key,
        }
    }

    /// The link's token, where it is a link.
    pub(in crate::use_cases) fn link(&self) -> Option<&MailToken> {
        match self {
            Self::Code { .. } => None,
            Self::LinkInFlow(token, _) | Self::LinkWithCode(token, _) | Self::LinkAlone(token) => Some(token),
        }
    }

    /// Whether this shows that whoever tries has the item's mail and knows what they sign in to. An item that no mail went
    /// out for, as an unknown address's, costs the same comparison (EN-04).
    pub(in crate::use_cases) fn shown(
        &self,
        item: &OneTime,
        ring: &Ring<MacKey>,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let code = match self {
            Self::Code { code, .. } | Self::LinkWithCode(_, code) => code,
            Self::LinkInFlow(_, hash) => return Ok(item.flow_hash.as_ref() == Some(hash)),
            Self::LinkAlone(_) => return Ok(false),
        };
        let named = item.mailing.mac_kid.as_deref().and_then(|kid| ring.find(kid, now));
        let key = match named {
            Some(key) => key,
            None => ring.current(now)?,
        };
        Ok(code_matches(code, &item.token().sign_in_code(key)))
    }
}
