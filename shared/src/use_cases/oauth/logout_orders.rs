//! Which clients are to be told of a change that ended sessions (OC-41).
//!
//! Store requests: none where one session ended; where all of a user's did, a query of them, a page at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::App;
use crate::domain::event::{Change, ended_session};
use crate::domain::id::UserId;
use crate::domain::oauth::client::ClientId;
use crate::domain::oauth::logout_order::LogoutOrder;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::error::StoreError;
use crate::store::stream::StreamRecord;

/// How many sessions are read at once.
const PAGE: u16 = 100;

/// The orders that follow from a change.
pub async fn logout_orders(app: &App, record: &StreamRecord, change: &Change) -> Result<Vec<LogoutOrder>, StoreError> {
    match change {
        Change::Session { old, new } => {
            let ended = ended_session(old.as_deref(), new.as_deref());
            Ok(ended.map(|session| of_one(record, session)).unwrap_or_default())
        }
        Change::Profile { old: Some(old), new: Some(new) } => match limit(old, new, record.at()) {
            Some(limit) => of_all(app, record, new, limit).await,
            None => Ok(Vec::new()),
        },
        // What is erased goes with its sessions, item by item.
        Change::Profile { .. } | Change::Credential { .. } | Change::MailOrder(_) | Change::Other => Ok(Vec::new()),
    }
}

/// Until when sessions have to have begun that this change of an account ended.
fn limit(old: &User, new: &User, at: Timestamp) -> Option<Timestamp> {
    let is_active = |user: &User| user.status == UserStatus::Active;
    let later = new.sessions_not_before.filter(|limit| old.sessions_not_before.is_none_or(|before| *limit > before));
    // The stream's times are of whole seconds, and this one's may be the second that has not passed yet.
    later.or_else(|| (is_active(old) && !is_active(new)).then_some(at.plus(Duration::from_secs(1))))
}

fn of_one(record: &StreamRecord, session: &Session) -> Vec<LogoutOrder> {
    let order = |client_id: &ClientId| LogoutOrder {
        id: format!("{}.{}.{}", record.event_id(), session.id, client_id.as_str()),
        client_id: client_id.clone(),
        user_id: session.user_id,
        session_id: Some(session.id),
    };
    session.told_clients.iter().map(order).collect()
}

/// Where none is spared each client hears once of all that its person has with it, and otherwise of each that ended.
async fn of_all(
    app: &App,
    record: &StreamRecord,
    user: &User,
    limit: Timestamp,
) -> Result<Vec<LogoutOrder>, StoreError> {
    let spared = user.kept_sid.filter(|_| user.status == UserStatus::Active);
    let (mut orders, mut clients, mut after) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let page = app.store.list_sessions(user.id, PAGE, after).await?;
        let ended = page.sessions.into_iter().filter(|session| {
            session.created_at <= limit && session.revoked_at.is_none() && spared != Some(session.id)
        });
        for session in ended {
            if spared.is_some() {
                orders.extend(of_one(record, &session));
            } else {
                clients.extend(session.told_clients);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    orders.extend(clients.into_iter().map(|client_id| of_user(record, user.id, client_id)));
    Ok(orders)
}

fn of_user(record: &StreamRecord, user_id: UserId, client_id: ClientId) -> LogoutOrder {
    LogoutOrder { id: format!("{}.{}", record.event_id(), client_id.as_str()), client_id, user_id, session_id: None }
}
