//! Which mail an item is the order for, and who gets it: what the request that wrote the item must not find out (EN-04).

use crate::app::App;
use crate::domain::credential::Credential;
use crate::domain::email::{Email, EmailKey};
use crate::domain::id::UserId;
use crate::domain::mail_order::{MailKind, Ordered};
use crate::domain::name::DisplayName;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::{Registration, RegistrationKind};
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::fault::Fault;

/// A mail that is going to be sent.
pub(in crate::use_cases) struct Choice {
    /// What its link and code belong to.
    pub(in crate::use_cases) subject: Ordered,
    /// Whether that is another item than the one that was ordered.
    pub(in crate::use_cases) redirected: bool,
    /// Who gets it: a stored address (EN-07).
    pub(in crate::use_cases) recipient: Email,
    /// Their name, where the mail goes to a person whom we know.
    pub(in crate::use_cases) name: Option<DisplayName>,
    /// The account that a token signs in to or resets, and its credentials' version (SE-04).
    pub(in crate::use_cases) account: Option<(UserId, u64)>,
    /// What it counts against.
    pub(in crate::use_cases) budget: Budget,
}

/// What a mail counts against when it goes out (decision 32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::use_cases) enum Budget {
    /// The stage's: somebody asked for it.
    Ordered(MailKind),
    /// The address's for what tells an owner that somebody registered it, and the stage's.
    Registration,
    /// The address's for this kind of notice: only the account's own use brings it about.
    Notice(Purpose),
}

impl Budget {
    /// What the stage counts it as, if it does.
    pub(in crate::use_cases) const fn of_stage(self) -> Option<MailKind> {
        match self {
            Self::Ordered(kind) => Some(kind),
            Self::Registration => Some(MailKind::Registration),
            Self::Notice(_) => None,
        }
    }
}

/// Decides. `None` where nobody is to get anything.
pub(in crate::use_cases) async fn choose(app: &App, item: Ordered, now: Timestamp) -> Result<Option<Choice>, Fault> {
    let kind = item.kind();
    if let Some(email_key) = asked_for(&item)
        && let Some(choice) = leaving(app, email_key, kind, now).await?
    {
        return Ok(Some(choice));
    }
    match item {
        Ordered::Registration(registration) => match registration.kind {
            RegistrationKind::Verification => Ok(Some(verification(registration, kind, false))),
            RegistrationKind::OwnerNotice => owner_notice(app, registration).await,
        },
        Ordered::OneTime(item) => match item.purpose {
            Purpose::PasswordReset => password_reset(app, item, now).await,
            Purpose::EmailCode => {
                // Whoever could sign in with a password can with a code.
                let unverified = !app.config.accounts.require_verified_email;
                let user = account(app, &item).await?.filter(|user| user.email_verified || unverified);
                Ok(user.map(|user| to_account(item, user, Budget::Ordered(kind))))
            }
            Purpose::Resend => {
                let credential = app.store.read_credential(&item.email_key).await?;
                let verified =
                    credential.is_some_and(|credential| credential.email_verified && !credential.is_free(now));
                if verified { Ok(None) } else { pending(app, &item, kind, now).await }
            }
            Purpose::EmailChange => Ok(to_recipient(item, Budget::Ordered(kind))),
            Purpose::EmailUndo
            | Purpose::KeepAccount
            | Purpose::PasswordChanged
            | Purpose::FactorUndo
            | Purpose::KeepFactors
            | Purpose::RemoveFactors
            | Purpose::FactorsChanged => {
                let budget = Budget::Notice(item.purpose);
                Ok(to_recipient(item, budget))
            }
            Purpose::NewDevice
            | Purpose::SessionReused
            | Purpose::SecondFactorFailed
            | Purpose::PasskeyCounterRegressed
            | Purpose::RecoveryCodeUsed => new_device(app, item).await,
            // A registration's, never an item of its own.
            Purpose::Verification => Ok(None),
        },
    }
}

fn to_recipient(item: OneTime, budget: Budget) -> Option<Choice> {
    let recipient = item.recipient.clone()?;
    Some(Choice { subject: Ordered::OneTime(item), redirected: false, recipient, name: None, account: None, budget })
}

/// The address, where an item was written for whatever account it has: by people who may have none to ask about.
fn asked_for(item: &Ordered) -> Option<EmailKey> {
    match item {
        Ordered::Registration(registration) => {
            (registration.kind == RegistrationKind::OwnerNotice).then(|| registration.email.key())
        }
        Ordered::OneTime(item) => {
            let by_address = matches!(item.purpose, Purpose::PasswordReset | Purpose::EmailCode | Purpose::Resend);
            // One that names an account orders no mail to this address.
            (by_address && item.user_id.is_none()).then(|| item.email_key.clone())
        }
    }
}

/// While an account leaves, whoever asks for anything at its address gets the mail that keeps it: the first one may be lost,
/// and until the account is erased nothing else can be had there.
async fn leaving(app: &App, email: EmailKey, kind: MailKind, now: Timestamp) -> Result<Option<Choice>, Fault> {
    let Some(credential) = app.store.read_credential(&email).await? else { return Ok(None) };
    if credential.status != UserStatus::Leaving || credential.reserved_until.is_some() {
        return Ok(None);
    }
    let item = app.store.newest_one_time(&email, Purpose::KeepAccount, now).await?;
    let item = item.filter(|item| item.user_id == Some(credential.user_id));
    let item = item.filter(|item| item.cred_version == Some(credential.cred_version));
    let choice = item.and_then(|item| to_recipient(item, Budget::Ordered(kind)));
    Ok(choice.map(|choice| Choice { redirected: true, ..choice }))
}

/// A link in the mailbox shows whose the address is as well as a verification does, and a new password ends whatever a
/// stranger may have begun with the address.
async fn password_reset(app: &App, item: OneTime, now: Timestamp) -> Result<Option<Choice>, Fault> {
    if let Some(user) = account(app, &item).await? {
        let name = user.name.clone().filter(|_| user.email_verified);
        return Ok(Some(Choice { name, ..to_account(item, user, Budget::Ordered(MailKind::Reset)) }));
    }
    match app.store.read_credential(&item.email_key).await? {
        // Disabled, leaving, or moved to another address.
        Some(credential) if !credential.is_free(now) => Ok(None),
        _ => pending(app, &item, MailKind::Reset, now).await,
    }
}

/// Goes to the account's present address, wherever that is by now: what wrote the item names no recipient.
async fn new_device(app: &App, item: OneTime) -> Result<Option<Choice>, Fault> {
    let Some(user_id) = item.user_id else { return Ok(None) };
    let user = app.store.read_user(user_id).await?.filter(|user| user.status == UserStatus::Active);
    let budget = Budget::Notice(item.purpose);
    Ok(user.map(|user| Choice { account: None, ..to_account(item, user, budget) }))
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

/// The registration whose flow asks, or else the address's newest, mailed again with the same link. On a second try only
/// one that the first may have mailed: a newer one has an order of its own.
async fn pending(app: &App, item: &OneTime, kind: MailKind, now: Timestamp) -> Result<Option<Choice>, Fault> {
    let mailed = item.mailing.mac_kid.is_some();
    let asks = match item.registration_id {
        Some(id) => app.store.read_registration(&item.email_key, id).await?,
        None => None,
    };
    let registration = match asks.filter(|registration| registration.is_pending(now)) {
        None => app.store.newest_registration(&item.email_key, mailed, now).await?,
        asks => asks,
    };
    Ok(registration.map(|registration| verification(registration, kind, true)))
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
        budget: Budget::Registration,
    }))
}

fn verification(registration: Registration, kind: MailKind, redirected: bool) -> Choice {
    let (recipient, budget) = (registration.email.clone(), Budget::Ordered(kind));
    Choice { subject: Ordered::Registration(registration), redirected, recipient, name: None, account: None, budget }
}

fn to_account(item: OneTime, user: User, budget: Budget) -> Choice {
    Choice {
        subject: Ordered::OneTime(item),
        redirected: false,
        recipient: user.email,
        name: user.name,
        account: Some((user.id, user.cred_version)),
        budget,
    }
}
