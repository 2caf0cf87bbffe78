//! Lambda and `CodeDeploy` as far as their SDKs can tell: invocations reach the real handlers, at whichever version, and
//! one deployment waits for its hook.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use wardgate::app::App;
use wardgate::aws::Connection;
use wardgate::http::edge;
use wardgate::lambda::{incoming, reply};
use wardgate_server::endpoints::ENDPOINTS;

/// What a version of a function is like.
#[derive(Clone)]
pub enum Version {
    /// Its code, configured so.
    Runs(Arc<App>),
    /// Fails with an error of this type.
    Fails(&'static str),
    /// Never answers.
    Hangs,
    /// Is not deployed.
    IsNotThere,
}

/// How `CodeDeploy` tells of revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    Content,
    HashAlone,
    /// Not at all.
    Nothing,
}

struct State {
    live: Version,
    versions: BTreeMap<(String, String), Version>,
    /// What the deployment deploys.
    deployed: (String, String),
    tells: Tells,
    invoked: Vec<(String, String, Value)>,
    reported: Vec<Value>,
}

#[derive(Clone)]
pub struct DeployedFunctions(Arc<Mutex<State>>);

impl std::fmt::Debug for DeployedFunctions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeployedFunctions")
    }
}

impl DeployedFunctions {
    /// All functions as `app` runs them, at every version.
    pub fn new(app: Arc<App>) -> Self {
        let deployed = ("wardgate-development-me".to_owned(), "7".to_owned());
        Self(Arc::new(Mutex::new(State {
            live: Version::Runs(app),
            versions: BTreeMap::new(),
            deployed,
            tells: Tells::HashAlone,
            invoked: Vec::new(),
            reported: Vec::new(),
        })))
    }

    pub fn connection(&self) -> Connection {
        Connection { http_client: SharedHttpClient::new(self.clone()), ..Connection::local(String::new()) }
    }

    /// Makes one version of one function another.
    pub fn set(&self, function: &str, qualifier: &str, version: Version) {
        self.0.lock().unwrap().versions.insert((function.to_owned(), qualifier.to_owned()), version);
    }

    pub fn deploy(&self, function: &str, version: &str, tells: Tells) {
        let mut state = self.0.lock().unwrap();
        state.deployed = (format!("wardgate-development-{function}"), version.to_owned());
        state.tells = tells;
    }

    /// What was invoked since the last time: function, version or alias, event.
    pub fn invoked(&self) -> Vec<(String, String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap().invoked)
    }

    /// What hooks said since the last time.
    pub fn reported(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().unwrap().reported)
    }

    fn codedeploy(&self, operation: &str, body: Value) -> (u16, Value) {
        let mut state = self.0.lock().unwrap();
        let (function, version) = &state.deployed;
        let properties = json!({ "Name": function, "Alias": "live", "CurrentVersion": "6", "TargetVersion": version });
        let resources = json!([{ "x": { "Type": "AWS::Lambda::Function", "Properties": properties } }]);
        let content = json!({ "version": "0.0", "Resources": resources }).to_string();
        let revision = |content: Value| json!({ "revisionType": "AppSpecContent", "appSpecContent": content });
        match operation {
            "GetDeployment" if state.tells == Tells::Nothing => {
                (400, json!({ "__type": "DeploymentDoesNotExistException" }))
            }
            "GetDeployment" => {
                let said = if state.tells == Tells::Content {
                    json!({ "content": content })
                } else {
                    json!({ "sha256": "x" })
                };
                (200, json!({ "deploymentInfo": { "applicationName": "app", "revision": revision(said) } }))
            }
            "GetApplicationRevision" if body["applicationName"] == "app" => {
                (200, json!({ "revision": revision(json!({ "content": content })) }))
            }
            "PutLifecycleEventHookExecutionStatus" => {
                state.reported.push(body);
                (200, json!({}))
            }
            _ => (400, json!({ "__type": "InvalidInputException" })),
        }
    }

    /// An invocation, by its path: `/2015-03-31/functions/<name>/invocations?Qualifier=<qualifier>`.
    async fn invoke(self, path: String, event: Value) -> (u16, Option<&'static str>, Value) {
        let rest = path.split_once("/functions/").unwrap().1;
        let (name, query) = rest.split_once("/invocations?Qualifier=").unwrap();
        let function = name.strip_prefix("wardgate-development-").unwrap().to_owned();
        let version = {
            let mut state = self.0.lock().unwrap();
            state.invoked.push((function.clone(), query.to_owned(), event.clone()));
            state.versions.get(&(function.clone(), query.to_owned())).unwrap_or(&state.live).clone()
        };
        let app = match version {
            Version::Runs(app) => app,
            Version::Fails(kind) => return (200, Some("Unhandled"), json!({ "errorType": kind, "errorMessage": "x" })),
            Version::Hangs => return std::future::pending().await,
            Version::IsNotThere => {
                return (404, None, json!({ "__type": "ResourceNotFoundException", "Message": "x" }));
            }
        };
        let Some((endpoint, _)) = ENDPOINTS.iter().find(|(endpoint, _)| endpoint.name == function) else {
            let refused = json!({ "errorType": "serde_json::error::Error", "errorMessage": "x" });
            return (200, Some("Unhandled"), refused);
        };
        // Another process, and here another task: one thread's stack does not hold whoever asks and whoever answers.
        let answered = tokio::spawn(async move {
            let response = edge::respond(&app, endpoint, incoming(serde_json::from_value(event).unwrap())).await;
            serde_json::to_value(reply(response)).unwrap()
        });
        (200, None, answered.await.unwrap())
    }
}

impl HttpClient for DeployedFunctions {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for DeployedFunctions {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let (service, path) = (self.clone(), request.uri().to_owned());
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        HttpConnectorFuture::new(async move {
            let (status, error, answer) = match target.as_deref().and_then(|it| it.strip_prefix("CodeDeploy_20141006."))
            {
                Some(operation) => {
                    let (status, answer) = service.codedeploy(operation, body);
                    (status, None, answer)
                }
                None => service.invoke(path, body).await,
            };
            let mut response =
                HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(answer.to_string()));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
            if let Some(error) = error {
                response.headers_mut().insert("x-amz-function-error", error);
            }
            Ok(response)
        })
    }
}
