//! `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`: where everything is (OpenID Connect
//! Discovery 1.0, RFC 8414), the same at both. It names only what exists.

use std::future::ready;

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::domain::factors::{ONE_FACTOR, TWO_FACTORS};
use wardgate::domain::language::Language;
use wardgate::domain::oauth::continuation::{AUTHORIZE, LOGOUT};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;

/// What answers it.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "openid-configuration",
    routes: &[
        Route::get("/.well-known/openid-configuration"),
        Route::further("oauth-authorization-server", Method::GET, "/.well-known/oauth-authorization-server"),
    ],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[], table: false },
    handler: |app, _request| Box::pin(ready(handle(app))),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Where everything is (OpenID Connect Discovery 1.0, RFC 8414)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "The metadata. It names only endpoints that exist.", Some(schema::<Metadata>))],
    problems: &[(503, "Busy; try again after Retry-After.")],
};

/// The provider's metadata.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "RFC 8414 has a member for each")]
pub struct Metadata {
    /// Exactly the `iss` of every token.
    issuer: String,
    /// Where applications send their people.
    authorization_endpoint: String,
    /// Where codes are exchanged.
    token_endpoint: String,
    /// Who has signed in.
    userinfo_endpoint: String,
    /// Where clients end what they have of a person.
    revocation_endpoint: String,
    /// Where APIs ask about tokens.
    introspection_endpoint: String,
    /// Where applications send their people to be signed out.
    end_session_endpoint: String,
    /// Where the verification keys are.
    jwks_uri: String,
    /// Codes alone (OAuth 2.1).
    response_types_supported: [&'static str; 1],
    /// How the code gets to the application.
    response_modes_supported: [&'static str; 2],
    /// What is exchanged for tokens.
    grant_types_supported: [&'static str; 2],
    /// Everybody has the same `sub` for all clients.
    subject_types_supported: [&'static str; 1],
    /// How ID tokens are signed, as the client has registered.
    id_token_signing_alg_values_supported: [&'static str; 2],
    /// How clients show who they are.
    token_endpoint_auth_methods_supported: [&'static str; 3],
    /// The same where they end what they have.
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    /// Where they ask about tokens, by a secret alone.
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    /// RFC 7636.
    code_challenge_methods_supported: [&'static str; 1],
    /// Those of OpenID Connect; resources have more.
    scopes_supported: [&'static str; 4],
    /// What is told of a person.
    claims_supported: [&'static str; 10],
    /// How sure we are of who somebody is.
    acr_values_supported: [&'static str; 2],
    /// Which pages may be asked for.
    prompt_values_supported: [&'static str; 5],
    /// In which languages people are asked.
    ui_locales_supported: [&'static str; 2],
    /// Clients are told where a session ends (OpenID Connect Back-Channel Logout 1.0, 2.1).
    backchannel_logout_supported: bool,
    /// And which one.
    backchannel_logout_session_supported: bool,
    /// RFC 9207.
    authorization_response_iss_parameter_supported: bool,
    /// Request objects are not.
    request_parameter_supported: bool,
    /// True where it is left out, and it is not.
    request_uri_parameter_supported: bool,
    /// Scopes say it.
    claims_parameter_supported: bool,
}

fn handle(app: &App) -> Result<Reply, Problem> {
    let issuer = app.config.tokens.issuer.clone();
    let metadata = Metadata {
        authorization_endpoint: format!("{issuer}{AUTHORIZE}"),
        token_endpoint: format!("{issuer}/oauth2/token"),
        userinfo_endpoint: format!("{issuer}/oauth2/userinfo"),
        revocation_endpoint: format!("{issuer}/oauth2/revoke"),
        introspection_endpoint: format!("{issuer}/oauth2/introspect"),
        end_session_endpoint: format!("{issuer}{LOGOUT}"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        response_types_supported: ["code"],
        response_modes_supported: ["query", "form_post"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256", "ES256"],
        token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
        revocation_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported: ["S256"],
        scopes_supported: ["openid", "profile", "email", "offline_access"],
        claims_supported: ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "name", "email", "email_verified"],
        acr_values_supported: [ONE_FACTOR, TWO_FACTORS],
        prompt_values_supported: ["none", "login", "select_account", "consent", "create"],
        ui_locales_supported: Language::ALL.map(Language::tag),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
        issuer,
    };
    Ok(Reply::json(StatusCode::OK, &metadata)?.public())
}
