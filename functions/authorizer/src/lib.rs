//! The Lambda authorizer for customers' own HTTP APIs (REQUEST, payload 2.0): it verifies our access tokens for the
//! customer's audience and scopes (TK-06), and answers in the simple or the IAM policy format.

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use serde_json::{Value, json};
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::config::{AuthorizerResponse, Config, ConfigError};
use wardgate::fault::Fault;
use wardgate::http::bearer;
use wardgate::lambda::EventFunction;
use wardgate::secrets::RingName;
use wardgate::use_cases::authorizer::{Decision, authorize};
use wardgate_verify::AccessToken;

/// What answers API Gateway's question.
pub const FUNCTION: EventFunction<ApiGatewayV2CustomAuthorizerV2Request, (), Value> = EventFunction {
    name: "authorizer",
    needs,
    parts: |_, _| Ok(()),
    handler: |app, (), event| Box::pin(handle(app, event)),
};

/// The audience is mandatory: without one, a token for any API would do.
fn needs(config: &Config) -> Result<Needs, ConfigError> {
    config.authorizer.audience.as_ref().ok_or_else(|| ConfigError::missing("authorizer.audience"))?;
    Ok(Needs { rings: &[RingName::PublicKeys], table: config.authorizer.check_live_session })
}

/// A failure of ours is the function's error: API Gateway answers 500 and keeps nothing.
async fn handle(app: &App, event: ApiGatewayV2CustomAuthorizerV2Request) -> Result<Value, Fault> {
    let decision = authorize(app, app.clock.now(), bearer::token(&event.headers)).await?;
    let request_id = event.request_context.request_id.as_deref().unwrap_or_default();
    let token = match &decision {
        Decision::Allowed(token) => Some(&**token),
        Decision::Denied(reason) => {
            tracing::info!(request_id, %reason, "denied");
            None
        }
    };
    Ok(match app.config.authorizer.response {
        AuthorizerResponse::Simple => json!({ "isAuthorized": token.is_some(), "context": context(token) }),
        AuthorizerResponse::Iam => policy(token, event.route_arn.as_deref().unwrap_or_default()),
    })
}

/// Allows or denies just the route that was asked about.
fn policy(token: Option<&AccessToken>, route_arn: &str) -> Value {
    let effect = if token.is_some() { "Allow" } else { "Deny" };
    json!({
        "principalId": token.map_or("anonymous", |token| token.sub.as_str()),
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": route_arn }],
        },
        "context": context(token),
    })
}

/// What the customer's integration sees as `$context.authorizer.…`: strings, since mappings take nothing else. Lists
/// are separated by spaces, as in a `scope`.
fn context(token: Option<&AccessToken>) -> Value {
    token.map_or_else(
        || json!({}),
        |token| {
            json!({
                "sub": token.sub,
                "sid": token.sid.as_deref().unwrap_or_default(),
                "scope": token.scope,
                "roles": token.roles.join(" "),
                "acr": token.acr.as_deref().unwrap_or_default(),
            })
        },
    )
}
