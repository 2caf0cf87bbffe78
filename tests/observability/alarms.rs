//! The alarms of all templates, in one form.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::harness::cloudformation::{EDGE_STORE, read, resolve, resources, templates};
use crate::harness::repository;

/// One alarm on metrics.
pub struct Alarm {
    pub template: String,
    pub id: String,
    pub properties: Value,
}

/// A metric that an alarm looks at.
#[derive(Debug)]
pub struct Watched {
    pub namespace: String,
    pub name: String,
    /// What is not known before a deploy is empty.
    pub dimensions: BTreeMap<String, String>,
}

/// A template with everything that a parameter can switch on.
pub fn resolved(path: &str, stage_file: Option<&str>) -> Value {
    let given = stage_file.map_or(json!({}), read);
    let mut given: Vec<(&str, Value)> =
        given.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    // Names in metrics are those of stage development.
    given.retain(|(name, _)| !["AuthorizerAudience", "EdgeStoreArn", "Issuer", "OutsideProbe", "Stage"].contains(name));
    given.push(("AuthorizerAudience", json!("https://api.example.com")));
    given.push(("EdgeStoreArn", json!(EDGE_STORE)));
    given.push(("Issuer", json!("https://auth.example.com")));
    given.push(("OutsideProbe", json!("on")));
    resolve(&read(path), &given)
}

/// The alarms of all templates, in stage development.
pub fn alarms() -> Vec<Alarm> {
    alarms_of(None)
}

/// The same, with what another stage's file says, but for the stage itself.
pub fn alarms_of(stage_file: Option<&str>) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    for template in templates() {
        // Not every template can be resolved, and few have alarms.
        if !fs::read_to_string(repository(&template)).unwrap().contains("AWS::CloudWatch::Alarm") {
            continue;
        }
        let resolved = resolved(&template, stage_file);
        for (id, properties) in resources(&resolved, "AWS::CloudWatch::Alarm") {
            alarms.push(Alarm { template: template.clone(), id: id.to_owned(), properties: properties.clone() });
        }
    }
    alarms
}

impl Alarm {
    /// The metrics that it looks at.
    pub fn watched(&self) -> Vec<Watched> {
        match self.properties["Metrics"].as_array() {
            Some(queries) => {
                let metrics = queries.iter().filter_map(|query| query.get("MetricStat"));
                metrics.map(|statistic| watched(&statistic["Metric"])).collect()
            }
            None => vec![watched(&self.properties)],
        }
    }

    /// Its expressions, each with the ids that it may name.
    pub fn expressions(&self) -> Vec<(String, Vec<String>)> {
        let queries = self.properties["Metrics"].as_array().cloned().unwrap_or_default();
        let ids: Vec<String> = queries.iter().map(|query| query["Id"].as_str().unwrap().to_owned()).collect();
        let expressions = queries.iter().filter_map(|query| {
            let expression = query.get("Expression")?.as_str()?.to_owned();
            Some((expression, ids.iter().filter(|id| **id != query["Id"]).cloned().collect()))
        });
        expressions.collect()
    }
}

/// A metric as templates name it, in an alarm or in one of its queries.
pub fn watched(metric: &Value) -> Watched {
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten().map(|dimension| {
        let value = dimension["Value"].as_str().unwrap_or_default();
        (dimension["Name"].as_str().unwrap().to_owned(), value.to_owned())
    });
    Watched {
        namespace: metric["Namespace"].as_str().unwrap().to_owned(),
        name: metric["MetricName"].as_str().unwrap().to_owned(),
        dimensions: dimensions.collect(),
    }
}

/// `StoreErrorsWarn` as alarms and headings have it: `store-errors-warn`.
pub fn kebab(id: &str) -> String {
    let mut name = String::new();
    for letter in id.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The section of the runbook that tells of an alarm.
pub fn section(id: &str) -> String {
    // Each function has one, beside it.
    if id.ends_with("RollbackAlarm") {
        return "rollback".to_owned();
    }
    let id = id.strip_suffix("Long").or_else(|| id.strip_suffix("Short")).unwrap_or(id);
    kebab(id.strip_suffix("Warn").or_else(|| id.strip_suffix("Page")).unwrap_or(id))
}
