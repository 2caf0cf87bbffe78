//! Following a mailed link that acts on an account: what all of them have in common.

use thiserror::Error;

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};

/// Why nothing happened.
#[derive(Debug, Error)]
pub enum LinkError {
    /// Forged, expired, used, or the account is not as it was when the mail went out.
    #[error("the link is no longer valid")]
    InvalidLink,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(LinkError);

/// Opens a link's token.
pub(super) async fn open_link(
    app: &App,
    context: &RequestContext,
    token: &str,
    purpose: Purpose,
) -> Result<MailToken, LinkError> {
    let ring = app.secrets.mail_mac(context.now).await?;
    MailToken::open(token, purpose, &ring, context.now).map_err(|_| LinkError::InvalidLink)
}

/// The item that a token names, marked with the browser that is about to use it up.
pub(super) async fn live_item(app: &App, context: &RequestContext, token: &MailToken) -> Result<OneTime, LinkError> {
    let item = app.store.read_one_time(token).await?.filter(|item| item.is_live(context.now));
    Ok(item.ok_or(LinkError::InvalidLink)?.used_from(&context.origin))
}

/// Answers a press that the same browser repeats as the first was (OT-02): with the address that the mail went to.
pub(super) async fn or_repeated(
    app: &App,
    context: &RequestContext,
    token: &MailToken,
    followed: Result<Email, LinkError>,
) -> Result<Email, LinkError> {
    match followed {
        Err(LinkError::InvalidLink) => {
            let used = repeated(app, context, token).await?;
            used.and_then(|used| used.recipient).ok_or(LinkError::InvalidLink)
        }
        followed => followed,
    }
}

/// The item that this browser has just used up with this token, if it has: one write, which is the check. Only pages ask
/// with a browser.
pub(super) async fn repeated(app: &App, context: &RequestContext, token: &MailToken) -> Result<Option<OneTime>, Fault> {
    let Some(browser) = &context.origin.browser else { return Ok(None) };
    Ok(app.store.reserve_repeat(token, &browser.mark(&token.nonce), context.now).await?)
}

/// The registration that this browser has just used up with this token, if it has.
pub(super) async fn repeated_verification(
    app: &App,
    context: &RequestContext,
    token: &MailToken,
) -> Result<Option<Registration>, Fault> {
    let Some(browser) = &context.origin.browser else { return Ok(None) };
    Ok(app.store.reserve_verification_repeat(token, &browser.mark(&token.nonce), context.now).await?)
}
