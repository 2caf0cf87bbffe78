//! What a person's own page shows.
//!
//! Store requests: one round of two reads (session, account); one of queries (sessions, grants, consents, and activity by month);
//! one of a read for each application.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::domain::audit::Activity;
use crate::domain::id::SessionId;
use crate::domain::oauth::client::ClientId;
use crate::domain::oauth::grant::Grant;
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// How much of each the page has.
const MOST_SESSIONS: u16 = 50;
const MOST_GRANTS: usize = 200;
const MOST_ACTIVITY: usize = 20;

/// The page.
#[derive(Debug)]
pub struct AccountOverview {
    /// The account.
    pub user: User,
    /// The session that the browser has.
    pub current: SessionId,
    /// Live ones, newest first.
    pub sessions: Vec<Session>,
    /// What has something of the person's, by name.
    pub applications: Vec<Application>,
    /// Newest first.
    pub activity: Vec<Activity>,
}

/// An application that has something of a person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Which.
    pub id: ClientId,
    /// What it is called, by language; nothing where it is no longer registered.
    pub name: BTreeMap<String, String>,
    /// What it may have.
    pub scopes: BTreeSet<String>,
    /// Since when.
    pub since: Timestamp,
}

/// Reads what the page shows.
pub async fn account_overview(
    app: &App,
    context: &RequestContext,
    caller: Caller<'_>,
) -> Result<AccountOverview, AuthenticateError> {
    let caller = authenticate(app, context, caller).await?;
    let (user, now) = (caller.user, context.now);
    let (sessions, (grants, _), consents, activity) = futures::try_join!(
        app.store.list_sessions(user.id, MOST_SESSIONS, None),
        app.store.list_grants(user.id, MOST_GRANTS),
        app.store.list_consents(user.id),
        app.store.list_activity(&user, MOST_ACTIVITY, None, now),
    )?;
    // Its idle time ends a session for its browser, and not for what came of it.
    let goes_on = |session: &Session| !session.is_over(now) && app.admits(&user, session);
    let under_way: Vec<Session> = sessions.sessions.into_iter().filter(goes_on).collect();
    let lives = |grant: &Grant| {
        let has_session = under_way.iter().any(|session| session.id == grant.session_id);
        let is_offline = grant.offline_version.is_some();
        grant.is_live() && if is_offline { app.admits_offline(&user, grant, now) } else { has_session }
    };
    let given = consents.into_iter().map(|consent| (consent.client_id, consent.scopes, consent.created_at));
    let granted = grants.into_iter().filter(lives).map(|grant| (grant.client_id, grant.scopes, grant.created_at));
    let mut found: BTreeMap<ClientId, (BTreeSet<String>, Timestamp)> = BTreeMap::new();
    for (id, scopes, since) in given.chain(granted) {
        let (all, first) = found.entry(id).or_insert((BTreeSet::new(), since));
        all.extend(scopes);
        *first = since.min(*first);
    }
    let sessions: Vec<Session> = under_way.into_iter().filter(|session| session.is_live(now)).collect();
    let names = futures::future::try_join_all(found.keys().map(|id| app.store.read_client(id))).await?;
    let mut applications: Vec<Application> = found
        .into_iter()
        .zip(names)
        .map(|((id, (scopes, since)), client)| {
            let name = client.map(|client| client.registration.name).unwrap_or_default();
            Application { id, name, scopes, since }
        })
        .collect();
    applications.sort_by(|one, other| one.name.get("en").cmp(&other.name.get("en")));
    Ok(AccountOverview { user, current: caller.session.id, sessions, applications, activity: activity.items })
}
