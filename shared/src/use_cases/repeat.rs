//! A page's button that is pressed again, in the browser that pressed it first (OT-02): one write, which is the check.

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::one_time::OneTime;
use crate::domain::registration::Registration;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;

/// The item that this browser has just used up with this token, if it has. Only pages ask with a browser.
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
