//! Which mail an item is the order for, and who gets it: what the request that wrote the item must not find out (EN-04).

use std::time::Duration;

use crate::app::App;
use crate::crypto::key_ring::MacKey;
use crate::crypto::mail_token::MailToken;
use crate::domain::credential::Credential;
use crate::domain::device::device_name;
use crate::domain::email::{Email, EmailKey};
use crate::domain::id::UserId;
use crate::domain::mail_order::Ordered;
use crate::domain::name::DisplayName;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::{Registration, RegistrationKind};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::mail::Letter;
use crate::use_cases::fault::Fault;

/// A mail that is going to be sent.
pub(super) struct Choice {
    /// What its link and code belong to.
    pub(super) subject: Ordered,
    /// Whether that is another item than the one that was ordered.
    pub(super) redirected: bool,
    /// Who gets it: a stored address (EN-07).
    pub(super) recipient: Email,
    /// Their name, where the mail goes to a person whom we know.
    pub(super) name: Option<DisplayName>,
    /// The account that a token signs in to or resets, and its credentials' version (SE-04).
    pub(super) account: Option<(UserId, u64)>,
}

/// Decides. `None` where nobody is to get anything.
pub(super) async fn choose(app: &App, item: Ordered, now: Timestamp) -> Result<Option<Choice>, Fault> {
    match item {
        Ordered::Registration(registration) => match registration.kind {
            RegistrationKind::Verification => Ok(Some(verification(registration, false))),
            RegistrationKind::OwnerNotice => owner_notice(app, registration).await,
        },
        Ordered::OneTime(item) => match item.purpose {
            Purpose::PasswordReset => password_reset(app, item, now).await,
            Purpose::EmailCode => {
                // Whoever could sign in with a password can with a code.
                let unverified = !app.config.accounts.require_verified_email;
                let user = account(app, &item).await?.filter(|user| user.email_verified || unverified);
                Ok(user.map(|user| to_account(item, user)))
            }
            Purpose::Resend => {
                let credential = app.store.read_credential(&item.email_key).await?;
                let verified =
                    credential.is_some_and(|credential| credential.email_verified && !credential.is_free(now));
                if verified { Ok(None) } else { pending(app, &item, now).await }
            }
            Purpose::EmailChange | Purpose::EmailUndo | Purpose::KeepAccount | Purpose::PasswordChanged => {
                Ok(item.recipient.clone().map(|recipient| Choice {
                    subject: Ordered::OneTime(item),
                    redirected: false,
                    recipient,
                    name: None,
                    account: None,
                }))
            }
            Purpose::NewDevice => new_device(app, item).await,
            // A registration's, never an item of its own.
            Purpose::Verification => Ok(None),
        },
    }
}

/// A link in the mailbox shows whose the address is as well as a verification does, and a new password ends whatever a
/// stranger may have begun with the address.
async fn password_reset(app: &App, item: OneTime, now: Timestamp) -> Result<Option<Choice>, Fault> {
    if let Some(user) = account(app, &item).await? {
        let name = user.name.clone().filter(|_| user.email_verified);
        return Ok(Some(Choice { name, ..to_account(item, user) }));
    }
    match app.store.read_credential(&item.email_key).await? {
        // Disabled, leaving, or moved to another address.
        Some(credential) if !credential.is_free(now) => Ok(None),
        _ => pending(app, &item, now).await,
    }
}

/// Goes to the account's present address: the sign-in that wrote the item had read none.
async fn new_device(app: &App, item: OneTime) -> Result<Option<Choice>, Fault> {
    let Some(user_id) = item.user_id else { return Ok(None) };
    let user = app.store.read_user(user_id).await?.filter(|user| user.status == UserStatus::Active);
    Ok(user.map(|user| Choice { account: None, ..to_account(item, user) }))
}

/// The active account of the item's address, with the credentials that the item is bound to, if it is.
async fn account(app: &App, item: &OneTime) -> Result<Option<User>, Fault> {
    let Some(credential) = app.store.read_credential(&item.email_key).await? else { return Ok(None) };
    let user = account_of(app, &credential, &item.email_key).await?;
    Ok(user.filter(|user| item.cred_version.is_none_or(|version| version == user.cred_version)))
}

async fn account_of(app: &App, credential: &Credential, email: &EmailKey) -> Result<Option<User>, Fault> {
    if credential.reserved_until.is_some() {
        return Ok(None);
    }
    let user = app.store.read_user(credential.user_id).await?;
    Ok(user.filter(|user| user.status == UserStatus::Active && user.email.key() == *email))
}

/// The address's newest registration, mailed again with the same link. On a second try only one that the first may
/// have mailed: a newer one has an order of its own.
async fn pending(app: &App, item: &OneTime, now: Timestamp) -> Result<Option<Choice>, Fault> {
    let mailed = item.mailing.mac_kid.is_some();
    let registration = app.store.newest_registration(&item.email_key, mailed, now).await?;
    Ok(registration.map(|registration| verification(registration, true)))
}

async fn owner_notice(app: &App, registration: Registration) -> Result<Option<Choice>, Fault> {
    let email = registration.email.key();
    let Some(credential) = app.store.read_credential(&email).await? else { return Ok(None) };
    let user = account_of(app, &credential, &email).await?;
    Ok(user.map(|user| Choice {
        subject: Ordered::Registration(registration),
        redirected: false,
        recipient: user.email,
        name: user.name,
        account: None,
    }))
}

fn verification(registration: Registration, redirected: bool) -> Choice {
    let recipient = registration.email.clone();
    Choice { subject: Ordered::Registration(registration), redirected, recipient, name: None, account: None }
}

fn to_account(item: OneTime, user: User) -> Choice {
    Choice {
        subject: Ordered::OneTime(item),
        redirected: false,
        recipient: user.email,
        name: user.name,
        account: Some((user.id, user.cred_version)),
    }
}

/// The letter, with the link and the code that this key makes of the item. `None` for what has no letter.
pub(super) fn letter(app: &App, subject: &Ordered, key: &MacKey, now: Timestamp) -> Option<Letter> {
    let left = subject.expires_at().since(now);
    let token = token(subject);
    // OT-06: the origin is configured, never taken from a request.
    let link = |page: &str| format!("{}/ui/{page}?token={}", app.config.tokens.issuer, token.seal(key));
    let item = match subject {
        Ordered::Registration(registration) => {
            return Some(match registration.kind {
                RegistrationKind::OwnerNotice => Letter::OwnerNotice,
                RegistrationKind::Verification => Letter::Verification {
                    link: link("verify-email"),
                    code: token.verification_code(key),
                    hours: whole(left, 3600),
                    required: app.config.accounts.require_verified_email,
                },
            });
        }
        Ordered::OneTime(item) => item,
    };
    match item.purpose {
        Purpose::PasswordReset => {
            Some(Letter::PasswordReset { link: link("reset-password"), minutes: whole(left, 60) })
        }
        Purpose::EmailCode => Some(Letter::EmailCode {
            link: Some(link("sign-in")),
            code: token.sign_in_code(key),
            minutes: whole(left, 60),
        }),
        Purpose::EmailChange => {
            Some(Letter::EmailChange { link: link("confirm-email-change"), hours: whole(left, 3600) })
        }
        Purpose::EmailUndo => {
            Some(Letter::EmailChanged { undo_link: link("undo-email-change"), days: whole(left, 24 * 3600) })
        }
        Purpose::KeepAccount => {
            Some(Letter::DeletionScheduled { keep_link: link("keep-account"), erase_at: item.expires_at })
        }
        Purpose::PasswordChanged => Some(Letter::PasswordChanged),
        Purpose::NewDevice => Some(Letter::NewDevice {
            device: device_name(item.user_agent.as_deref()),
            address: item.address.clone(),
            at: item.created_at,
        }),
        Purpose::Verification | Purpose::Resend => None,
    }
}

fn token(subject: &Ordered) -> MailToken {
    match subject {
        Ordered::OneTime(item) => item.token(),
        Ordered::Registration(registration) => registration.token(),
    }
}

/// The time in whole units, to the nearest: a mail is a moment younger than its link.
fn whole(left: Duration, seconds: u64) -> u64 {
    ((left.as_secs() + seconds / 2) / seconds).max(1)
}
