//! Erasing the accounts whose time of grace is over. Nothing of them stays but an anonymised audit trail.
//!
//! A run may end anywhere, also between two store requests: an account's turn goes only together with its profile, which
//! is what knows the rest, so the next run begins with it again. Two runs at a time do the same work twice.

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::EmailKey;
use crate::domain::language::Language;
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::store::erasures::{Claim, Erasure, Farewell};

/// How many turns are read at a time.
const TURNS_AT_ONCE: u16 = 25;

/// Erases every account whose turn has come, and says how many. One that fails does not keep the others waiting; its
/// turn stays, and its failure is the answer.
pub async fn erase_accounts(app: &App, request_id: &str) -> Result<u32, Fault> {
    app.writes_now().await?;
    let context = RequestContext {
        now: app.clock.now(),
        origin: Origin::new(None, None),
        language: Language::default(),
        request_id: request_id.to_owned(),
    };
    let (mut erased, mut failure) = (0, None);
    let mut last = None;
    loop {
        let turns = app.store.due_erasures(last.as_ref(), TURNS_AT_ONCE, context.now).await?;
        for turn in &turns {
            match erase(app, &context, turn).await {
                Ok(Farewell::Erased) => erased += 1,
                Ok(Farewell::Superseded) => {}
                Err(cause) => {
                    tracing::warn!(request_id, user_id = %turn.user_id, %cause, "could not erase an account");
                    failure.get_or_insert(cause);
                }
            }
        }
        last = turns.last().copied();
        if turns.len() < usize::from(TURNS_AT_ONCE) {
            break;
        }
    }
    tracing::info!(request_id, erased, "erased accounts");
    failure.map_or(Ok(erased), Err)
}

async fn erase(app: &App, context: &RequestContext, turn: &Erasure) -> Result<Farewell, Fault> {
    let user = match app.store.claim_erasure(turn).await? {
        Claim::Claimed(user) => user,
        Claim::Off => {
            app.store.drop_erasure(turn).await?;
            return Ok(Farewell::Superseded);
        }
    };
    for email in addresses(&user) {
        app.store.erase_address(&email, &user, context.now).await?;
    }
    // Sessions before the trail: ending one leaves a line.
    app.store.erase_belongings(user.id).await?;
    app.store.anonymise_trail(&user, context.now).await?;
    let audit = app.audit(context, Subject::User(user.id), AuditAction::Erased, None)?;
    Ok(app.store.erase_account(&user, turn, &audit).await?)
}

/// The address, and those that are kept for an undo.
fn addresses(user: &User) -> Vec<EmailKey> {
    let former = user.former_addresses.iter().map(|former| former.email_key.clone());
    former.chain([user.email.key()]).collect()
}
