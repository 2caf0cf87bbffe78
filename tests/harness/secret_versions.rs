//! One secret as Secrets Manager keeps it: versions, and labels that are on one version each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The error's code.
#[derive(Debug)]
pub struct Refusal(pub &'static str);

#[derive(Debug, Default)]
struct Version {
    value: Option<String>,
    labels: BTreeSet<String>,
}

/// A secret. As the template makes it, it has no version.
#[derive(Debug, Default)]
pub struct Secret {
    versions: BTreeMap<String, Version>,
    /// Whether it has a schedule.
    pub rotates: bool,
}

impl Secret {
    /// One that somebody gave a value.
    pub fn with_value(value: String) -> Self {
        let version = Version { value: Some(value), labels: BTreeSet::from([CURRENT.to_owned()]) };
        Self { versions: BTreeMap::from([("00000000-initial-0000-000000000000".to_owned(), version)]), rotates: false }
    }

    /// What readers get.
    pub fn value(&self) -> Option<Value> {
        let value = self.versions.get(&self.labelled(CURRENT)?)?.value.as_ref()?;
        Some(serde_json::from_str(value).unwrap())
    }

    /// Changes what readers get in its place.
    pub fn change(&mut self, change: impl FnOnce(&mut Value)) {
        let mut value = self.value().unwrap();
        change(&mut value);
        let current = self.labelled(CURRENT).unwrap();
        self.versions.get_mut(&current).unwrap().value = Some(value.to_string());
    }

    /// What `RotateSecret` does before it asks the function: announces a version without a value, unless another one is
    /// under way.
    pub fn announce(&mut self, token: &str) -> bool {
        self.rotates = true;
        if self.labelled(PENDING).is_some_and(|pending| Some(pending) != self.labelled(CURRENT)) {
            return false;
        }
        self.versions.entry(token.to_owned()).or_default();
        self.label(PENDING, token);
        true
    }

    /// Whether a rotation is under way, which keeps the next one from beginning.
    pub fn is_under_way(&self) -> bool {
        self.labelled(PENDING).is_some_and(|pending| Some(pending) != self.labelled(CURRENT))
    }

    pub fn labelled(&self, label: &str) -> Option<String> {
        let mut found = self.versions.iter().filter(|(_, version)| version.labels.contains(label));
        found.next().map(|(name, _)| name.clone())
    }

    /// A label is on one version alone.
    fn label(&mut self, label: &str, to: &str) {
        if label == CURRENT
            && let Some(before) = self.labelled(CURRENT).filter(|before| before != to)
        {
            self.label(PREVIOUS, &before);
        }
        for version in self.versions.values_mut() {
            version.labels.remove(label);
        }
        self.versions.get_mut(to).unwrap().labels.insert(label.to_owned());
    }

    pub fn ask(&mut self, operation: &str, asked: &Value) -> Result<Value, Refusal> {
        let text = |member: &str| asked[member].as_str();
        match operation {
            "DescribeSecret" => {
                let labelled = self.versions.iter().filter(|(_, version)| !version.labels.is_empty());
                let stages: BTreeMap<&String, &BTreeSet<String>> =
                    labelled.map(|(name, it)| (name, &it.labels)).collect();
                Ok(json!({ "VersionIdsToStages": stages, "RotationEnabled": self.rotates }))
            }
            "GetSecretValue" => {
                let label = text("VersionStage").unwrap_or(CURRENT);
                let name = text("VersionId").map(str::to_owned).or_else(|| self.labelled(label));
                let value = name.as_ref().and_then(|name| self.versions.get(name)?.value.as_ref());
                let value = value.ok_or(Refusal("ResourceNotFoundException"))?;
                Ok(json!({ "VersionId": name, "SecretString": value }))
            }
            "PutSecretValue" => {
                let (token, value) = (text("ClientRequestToken").unwrap(), text("SecretString").unwrap());
                if !(32..=64).contains(&token.len()) || value.len() > 65_536 {
                    return Err(Refusal("ValidationException"));
                }
                let version = self.versions.entry(token.to_owned()).or_default();
                match &version.value {
                    Some(known) if known == value => return Ok(json!({ "VersionId": token })),
                    Some(_) => return Err(Refusal("ResourceExistsException")),
                    None => version.value = Some(value.to_owned()),
                }
                // A secret's first version is current, whatever was said.
                if self.labelled(CURRENT).is_none() {
                    self.label(CURRENT, token);
                }
                for label in asked["VersionStages"].as_array().unwrap() {
                    self.label(label.as_str().unwrap(), token);
                }
                Ok(json!({ "VersionId": token }))
            }
            "UpdateSecretVersionStage" => {
                let (label, to, from) =
                    (text("VersionStage").unwrap(), text("MoveToVersionId"), text("RemoveFromVersionId"));
                let on = self.labelled(label);
                if to.is_some_and(|to| !self.versions.contains_key(to)) {
                    return Err(Refusal("ResourceNotFoundException"));
                }
                // It has to be said where the label is, unless it is nowhere or there already.
                let stays = to.is_some() && on.as_deref() == to;
                if on.as_deref() != from && !(stays && from.is_none()) {
                    return Err(Refusal("InvalidParameterException"));
                }
                match (to, from) {
                    (Some(to), _) => self.label(label, to),
                    (None, Some(from)) => {
                        self.versions.get_mut(from).unwrap().labels.remove(label);
                    }
                    (None, None) => return Err(Refusal("InvalidParameterException")),
                }
                Ok(json!({}))
            }
            other => panic!("nobody asks for {other}"),
        }
    }
}
