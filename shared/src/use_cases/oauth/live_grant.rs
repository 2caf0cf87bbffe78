//! Whether what a client's access token came of still lives.
//!
//! Store requests: one round of two reads (grant, account), then one (session), but for a grant that outlives its session.

use wardgate_verify::AccessToken;

use crate::app::App;
use crate::domain::id::{GrantId, UserId};
use crate::domain::oauth::grant::Grant;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::error::StoreError;

/// The grant and its account; `None` where one of them, or the session, has ended, or where the token is of no client.
pub(in crate::use_cases) async fn live_grant(
    app: &App,
    now: Timestamp,
    token: &AccessToken,
) -> Result<Option<(Grant, User)>, StoreError> {
    let user_id = UserId::parse(&token.sub).ok();
    let grant_id = token.gid.as_deref().and_then(|id| GrantId::parse(id).ok());
    let Some((user_id, grant_id)) = user_id.zip(grant_id) else { return Ok(None) };
    read_live_grant(app, now, user_id, grant_id, &token.client_id).await
}

/// The same of a grant that is named by its ids.
pub(in crate::use_cases) async fn read_live_grant(
    app: &App,
    now: Timestamp,
    user_id: UserId,
    grant_id: GrantId,
    client_id: &str,
) -> Result<Option<(Grant, User)>, StoreError> {
    let (grant, user) = futures::try_join!(app.store.read_grant(user_id, grant_id), app.store.read_user(user_id))?;
    let is_own = |grant: &Grant| grant.is_live() && grant.client_id.as_str() == client_id;
    let Some((grant, user)) = grant.filter(is_own).zip(user) else { return Ok(None) };
    if grant.offline_version.is_some() {
        return Ok(app.admits_offline(&user, &grant, now).then_some((grant, user)));
    }
    let session = app.store.read_session(user_id, grant.session_id).await?;
    let is_alive = session.is_some_and(|session| !session.is_over(now) && app.admits(&user, &session));
    Ok(is_alive.then_some((grant, user)))
}
