//! `CodeDeploy`, as far as a hook of a deployment talks to it.

use std::collections::BTreeMap;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::types::{LifecycleEventStatus, RevisionLocation};
use serde::Deserialize;

use crate::aws::{Connection, builder};
use crate::config::Config;
use crate::outbound::OutboundError;

const SERVICE: &str = "CodeDeploy";

/// The service, in the connection's region.
#[derive(Debug)]
pub struct CodeDeploy {
    client: Client,
}

/// What a deployment is going to let live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The function's name in AWS.
    pub function: String,
    /// The version that the alias is going to have.
    pub version: String,
}

impl CodeDeploy {
    /// A client.
    pub fn new(config: &Config, connection: &Connection) -> Self {
        let mut sdk = builder!(aws_sdk_codedeploy, connection, config.aws);
        sdk.set_endpoint_url(connection.endpoints.codedeploy.clone());
        Self { client: Client::from_conf(sdk.build()) }
    }

    /// What a deployment deploys. The deployment says which revision that is, at times by its hash alone; before traffic
    /// shifts, its target does not name the versions either.
    pub async fn deployed(&self, deployment: &str) -> Result<Deployed, OutboundError> {
        let answer = self.client.get_deployment().deployment_id(deployment).send().await;
        let info = answer.map_err(|error| OutboundError::of(SERVICE, &error))?.deployment_info;
        let info = info.ok_or_else(|| unreadable("a deployment without information"))?;
        let revision = info.revision.ok_or_else(|| unreadable("a deployment without a revision"))?;
        let content = match content(&revision) {
            Some(content) => content.to_owned(),
            None => self.registered(info.application_name.unwrap_or_default(), revision).await?,
        };
        app_spec(&content).ok_or_else(|| unreadable("a revision that is no AppSpec of one function"))
    }

    async fn registered(&self, application: String, revision: RevisionLocation) -> Result<String, OutboundError> {
        let ask = self.client.get_application_revision().application_name(application).revision(revision);
        let answer = ask.send().await.map_err(|error| OutboundError::of(SERVICE, &error))?;
        let found = answer.revision.as_ref().and_then(content).map(str::to_owned);
        found.ok_or_else(|| unreadable("a revision without content"))
    }

    /// Says how a hook ended. Until then, and for an hour at most, the deployment waits.
    pub async fn report(&self, deployment: &str, hook_execution: &str, passed: bool) -> Result<(), OutboundError> {
        let status = if passed { LifecycleEventStatus::Succeeded } else { LifecycleEventStatus::Failed };
        let put = self
            .client
            .put_lifecycle_event_hook_execution_status()
            .deployment_id(deployment)
            .lifecycle_event_hook_execution_id(hook_execution)
            .status(status);
        match put.send().await {
            Ok(_) => Ok(()),
            // By a try whose answer was lost, or the deployment was stopped.
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_lifecycle_event_already_completed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(OutboundError::of(SERVICE, &error)),
        }
    }
}

/// In the form of today, or in the one that it replaced.
fn content(revision: &RevisionLocation) -> Option<&str> {
    let app_spec = revision.app_spec_content.as_ref().and_then(|it| it.content());
    app_spec.or_else(|| revision.string.as_ref().and_then(|it| it.content()))
}

fn unreadable(what: &str) -> OutboundError {
    OutboundError::passing(SERVICE, what.to_owned())
}

#[derive(Deserialize)]
struct AppSpec {
    #[serde(alias = "Resources")]
    resources: Vec<BTreeMap<String, Resource>>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(alias = "Properties")]
    properties: Properties,
}

/// Tools write these keys in either case.
#[derive(Deserialize)]
struct Properties {
    #[serde(alias = "Name")]
    name: String,
    #[serde(alias = "TargetVersion", alias = "targetversion", rename = "targetVersion")]
    target_version: String,
}

/// What an `AppSpec` deploys, which `CloudFormation` writes in JSON.
fn app_spec(content: &str) -> Option<Deployed> {
    let spec: AppSpec = serde_json::from_str(content).ok()?;
    let mut resources = spec.resources.into_iter().flat_map(BTreeMap::into_values);
    let properties = resources.next()?.properties;
    let alone = resources.next().is_none();
    // A version may be named by its whole ARN.
    let version = properties.target_version.rsplit(':').next().unwrap_or_default().to_owned();
    (alone && !version.is_empty()).then_some(Deployed { function: properties.name, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(content: &str) -> Option<(String, String)> {
        app_spec(content).map(|it| (it.function, it.version))
    }

    #[test]
    fn the_target_version_of_an_app_spec_is_found_in_either_spelling() {
        let expected = Some(("wardgate-staging-me".to_owned(), "7".to_owned()));
        for content in [
            r#"{"version":"0.0","Resources":[{"x":{"Type":"AWS::Lambda::Function","Properties":{"Name":"wardgate-staging-me",
                "Alias":"live","CurrentVersion":"6","TargetVersion":"7"}}}],"Hooks":[{"BeforeAllowTraffic":"smoke"}]}"#,
            r#"{"resources":[{"x":{"properties":{"name":"wardgate-staging-me","targetversion":"7"}}}]}"#,
            r#"{"Resources":[{"x":{"Properties":{"Name":"wardgate-staging-me",
                "TargetVersion":"arn:aws:lambda:eu-central-1:123456789012:function:wardgate-staging-me:7"}}}]}"#,
        ] {
            assert_eq!(deployed(content), expected, "{content}");
        }
    }

    #[test]
    fn what_deploys_nothing_or_more_than_one_function_is_refused() {
        let one = r#"{"x":{"Properties":{"Name":"a","TargetVersion":"7"}}}"#;
        for content in [
            String::new(),
            "{}".to_owned(),
            r#"{"Resources":[]}"#.to_owned(),
            format!(r#"{{"Resources":[{one},{one}]}}"#),
        ] {
            assert_eq!(deployed(&content), None, "{content}");
        }
    }
}
