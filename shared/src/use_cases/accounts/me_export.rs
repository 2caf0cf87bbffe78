//! Giving out everything that is held about the caller (SE-10).
//!
//! Store requests: one round of two reads (session, user), one audit write; where there are second factors one round of three reads;
//! then queries: a page at a time for each
//! address, the sessions, the grants, the consents, and each month of activity.

use crate::app::App;
use crate::domain::address_items::AddressItems;
use crate::domain::audit::{Activity, AuditAction, Subject};
use crate::domain::email::{Email, EmailKey};
use crate::domain::id::AuditId;
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::oauth::grant::Grant;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::use_cases::accounts::mfa_show::{Mfa, mfa_of};
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};

/// How much an export has of each kind, so that it fits into a function's memory and into the 6 MB of its answer. Ended
/// sessions beyond that are in the activity, whose older lines can be listed.
const MOST_SESSIONS: usize = 2000;
const MOST_GRANTS: usize = 2000;
const MOST_ADDRESS_ITEMS: usize = 1000;
const MOST_ACTIVITY: usize = 6000;
/// How many sessions are read at a time.
const SESSIONS_AT_ONCE: u16 = 500;

/// Everything that is held about a person.
#[derive(Debug)]
pub struct Export {
    /// The profile.
    pub user: User,
    /// The address, and those that are kept for an undo.
    pub addresses: Vec<HeldAddress>,
    /// Second factors, without anything that opens the account.
    pub mfa: Mfa,
    /// Newest first, ended ones too.
    pub sessions: Vec<Session>,
    /// What applications have of the person, newest first.
    pub grants: Vec<Grant>,
    /// What the person has let applications have.
    pub consents: Vec<GivenConsent>,
    /// Newest first.
    pub activity: Vec<Activity>,
    /// Where older activity begins, if there is more than an export takes.
    pub next_activity: Option<AuditId>,
    /// Whether nothing but older activity was left out.
    pub complete: bool,
}

/// An address and what it has.
#[derive(Debug)]
pub struct HeldAddress {
    /// The address, where it is still known: of a former one, only the mail that can undo the change tells.
    pub email: Option<Email>,
    /// Until when a former address is kept.
    pub reserved_until: Option<Timestamp>,
    /// What it has.
    pub items: AddressItems,
}

/// Reads everything. That it was asked for is recorded before anything is given out.
pub async fn me_export(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Export, AuthenticateError> {
    // It is asked for by GET, and leaves a line of the trail.
    app.writes()?;
    let caller = authenticate_fresh(app, context, caller).await?;
    let user = caller.user;
    let audit = app.audit(context, Subject::User(user.id), AuditAction::Exported, Some(caller.session.id))?;
    app.store.record(&audit).await?;
    let addresses = addresses(app, &user).await?;
    let mfa = mfa_of(app, &user, context.now).await?;
    let (sessions, all_sessions) = sessions(app, &user).await?;
    let (grants, all_grants) = app.store.list_grants(user.id, MOST_GRANTS).await?;
    let consents = app.store.list_consents(user.id).await?;
    let activity = app.store.list_activity(&user, MOST_ACTIVITY, None, context.now).await?;
    let complete = all_sessions && all_grants && addresses.iter().all(|address| address.items.complete);
    Ok(Export {
        user,
        addresses,
        mfa,
        sessions,
        grants,
        consents,
        activity: activity.items,
        next_activity: activity.next,
        complete,
    })
}

async fn addresses(app: &App, user: &User) -> Result<Vec<HeldAddress>, Fault> {
    let items = app.store.address_items(&user.email.key(), MOST_ADDRESS_ITEMS).await?;
    let mut addresses = vec![HeldAddress { email: Some(user.email.clone()), reserved_until: None, items }];
    for former in &user.former_addresses {
        let items = app.store.address_items(&former.email_key, MOST_ADDRESS_ITEMS).await?;
        // The address may have found another owner, whose affairs these are then.
        if items.credential.as_ref().is_some_and(|credential| credential.user_id == user.id) {
            let email = undo_recipient(&items.one_times, &former.email_key);
            addresses.push(HeldAddress { email, reserved_until: Some(former.reserved_until), items });
        }
    }
    Ok(addresses)
}

fn undo_recipient(items: &[OneTime], key: &EmailKey) -> Option<Email> {
    let undo = items.iter().filter(|item| item.purpose == Purpose::EmailUndo);
    undo.filter_map(|item| item.recipient.clone()).find(|email| email.key() == *key)
}

async fn sessions(app: &App, user: &User) -> Result<(Vec<Session>, bool), Fault> {
    let (mut sessions, mut after) = (Vec::new(), None);
    while sessions.len() < MOST_SESSIONS {
        let page = app.store.list_sessions(user.id, SESSIONS_AT_ONCE, after).await?;
        sessions.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            return Ok((sessions, true));
        }
    }
    Ok((sessions, false))
}
