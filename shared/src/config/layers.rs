//! Values in layers, each of which remembers where it came from.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::{Config, ConfigError, Setting};

/// The merged values, and for each dotted key its source.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    files: Map<String, Value>,
    merged: Map<String, Value>,
    sources: Sources,
    /// What was laid over the files, in order.
    over: Vec<Over>,
}

/// One value that was laid over the files.
#[derive(Debug, Clone)]
struct Over {
    key: String,
    source: String,
    value: Value,
}

/// Which file or variable set each dotted key.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources(BTreeMap<String, String>);

impl Layers {
    /// Lays a file over what is there, as the build has made JSON of it (`build.rs`).
    pub(super) fn add_file(&mut self, name: &str, json: &str) -> Result<(), ConfigError> {
        let read: Result<Map<_, _>, _> = serde_json::from_str(json);
        let file =
            read.map_err(|cause| ConfigError::File { source_name: name.to_owned(), message: cause.to_string() })?;
        merge(&mut self.files, file, "", name, &mut self.sources.0);
        self.merged = self.files.clone();
        Ok(())
    }

    /// Lays one variable over what is there. A key that already holds a string takes the text as it is; anything else
    /// is read as JSON (`8080`, `true`, `["a", "b"]`), and as plain text if it is not, or is no value of a key.
    pub(super) fn set_text(&mut self, key: &str, variable: &str, text: &str) -> Result<(), ConfigError> {
        let value = match find(&self.merged, key) {
            Some(Value::String(_)) => Value::String(text.to_owned()),
            _ => serde_json::from_str(text)
                .ok()
                .filter(|value: &Value| !value.is_null() && !value.is_object())
                .unwrap_or_else(|| Value::String(text.to_owned())),
        };
        self.set(key, variable, value)
    }

    /// Lays one value over what is there.
    pub(super) fn set(&mut self, key: &str, source: &str, value: Value) -> Result<(), ConfigError> {
        let over = Over { key: key.to_owned(), source: source.to_owned(), value };
        if !over.is_apart() {
            over.put(&mut self.merged)?;
            self.sources.0.insert(key.to_owned(), source.to_owned());
        }
        self.over.push(over);
        Ok(())
    }

    /// Lays over what is there what others have laid apart.
    pub(super) fn add_apart(&mut self, others: &Self) -> Result<(), ConfigError> {
        others.over.iter().filter(|over| over.is_apart()).try_for_each(|over| {
            over.put(&mut self.merged)?;
            self.sources.0.insert(over.key.clone(), over.source.clone());
            Ok(())
        })
    }

    /// Each key that is set.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let setting = |(key, source, value): (&str, &str, &Value)| {
            let value = if is_secret(key) { "(hidden)".to_owned() } else { text(value) };
            Setting { key: key.to_owned(), value, source: source.to_owned() }
        };
        self.values().map(setting).collect()
    }

    /// Each key that is set, its source, and its value.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.sources.0.iter().filter_map(|(key, source)| Some((key.as_str(), source.as_str(), self.value(key)?)))
    }

    /// One key without the others.
    pub(super) fn alone(&self, key: &str) -> Option<Self> {
        let over = Over { key: key.to_owned(), source: String::new(), value: self.value(key)?.clone() };
        let mut alone = Self::default();
        over.put(&mut alone.merged).ok()?;
        Some(alone)
    }

    /// What stands at a key.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        find(&self.merged, key)
    }

    /// A section as it was set.
    pub(super) fn section(&self, name: &str) -> Map<String, Value> {
        self.merged.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub(super) const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Reads the merged values as the configuration.
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        read(&self.merged).map_err(|message| self.explain(&message))
    }

    /// Turns serde's message into one that names key, source and expectation. serde says which of its three failures it
    /// met by how the message begins (decision 10); it does not say where. Tracking the path with `serde_path_to_error`
    /// would cost every function a hundred kilobytes, so the values are laid down again, one by one, until it complains.
    fn explain(&self, message: &str) -> ConfigError {
        let named = message.split('`').nth(1).unwrap_or_default();
        if message.starts_with(MISSING) {
            return ConfigError::missing(&self.section_without(named, message));
        }
        let mut values = self.files.clone();
        let to_blame = self.over.iter().find(|over| {
            // What is missing may come with a later one.
            !over.is_apart()
                && over.put(&mut values).is_ok()
                && read(&values).is_err_and(|message| !message.starts_with(MISSING))
        });
        let Some(Over { key, source, .. }) = to_blame else {
            // Tests read every file: a file alone cannot be wrong.
            return ConfigError::File { source_name: "the configuration".to_owned(), message: message.to_owned() };
        };
        if message.starts_with("unknown field") {
            return ConfigError::UnknownKey {
                // The key, or the section that it is in.
                key: key.find(named).and_then(|at| key.get(..at + named.len())).unwrap_or(key).to_owned(),
                source_name: source.clone(),
                expected: message.split_once("expected ").map_or("nothing here", |(_, expected)| expected).to_owned(),
            };
        }
        // The value itself may be a secret that landed in the wrong key: say only what was expected.
        let expected = match message.rsplit_once("expected ") {
            Some((_, expected)) if expected.starts_with("struct ") => "expected a section of keys".to_owned(),
            Some((_, expected)) => format!("expected {expected}"),
            None => "this is not a valid value".to_owned(),
        };
        ConfigError::WrongValue { key: key.clone(), source_name: source.clone(), expected }
    }

    /// The dotted key of a field that is missing: where something under its name changes what serde says.
    fn section_without(&self, field: &str, message: &str) -> String {
        let is_there = |section: &String| {
            let key = if section.is_empty() { field.to_owned() } else { format!("{section}.{field}") };
            let mut values = self.merged.clone();
            let over = Over { key: key.clone(), source: String::new(), value: Value::Null };
            let changed = over.put(&mut values).is_ok()
                && read(&values).map_or_else(|said| said != message && !said.contains(field), |_| true);
            changed.then_some(key)
        };
        let mut sections = vec![String::new()];
        list_sections(&self.merged, "", &mut sections);
        sections.iter().find_map(is_there).unwrap_or_else(|| field.to_owned())
    }
}

/// How serde's message about a key that nothing sets begins.
const MISSING: &str = "missing field";

fn read(values: &Map<String, Value>) -> Result<Config, String> {
    Config::deserialize(values).map_err(|error| error.to_string())
}

impl Over {
    /// Whether it is of the section that is no part of [`Config`].
    fn is_apart(&self) -> bool {
        self.key.starts_with("brand.")
    }

    fn put(&self, values: &mut Map<String, Value>) -> Result<(), ConfigError> {
        let (parents, last) = self.key.rsplit_once('.').unwrap_or(("", &self.key));
        let mut table = values;
        for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
            let entry = table.entry(parent).or_insert_with(|| Value::Object(Map::new()));
            table = entry.as_object_mut().ok_or_else(|| ConfigError::UnknownKey {
                key: self.key.clone(),
                source_name: self.source.clone(),
                expected: format!("`{parent}` has a value, not further keys"),
            })?;
        }
        table.insert(last.to_owned(), self.value.clone());
        Ok(())
    }
}

fn find<'a>(values: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let first = values.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn list_sections(values: &Map<String, Value>, prefix: &str, found: &mut Vec<String>) {
    for (name, section) in values.iter().filter_map(|(name, value)| Some((name, value.as_object()?))) {
        let path = format!("{prefix}{name}");
        list_sections(section, &format!("{path}."), found);
        found.push(path);
    }
}

/// Secrets come from Secrets Manager, and no key has one. A new key that does is hidden by its name.
fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    ["secret", "password", "pepper", "credential", "private", "_key"].iter().any(|part| name.contains(part))
}

/// What is longer than this is content, such as a logo, and not to be looked at.
const LONG: usize = 500;

/// A value as JSON, with a space after a comma.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::String(text) if text.len() > LONG => {
            let start: String = text.chars().take(40).collect();
            Value::String(format!("{start}… ({} bytes)", text.len())).to_string()
        }
        value => value.to_string(),
    }
}

fn merge(
    into: &mut Map<String, Value>,
    from: Map<String, Value>,
    prefix: &str,
    source: &str,
    sources: &mut BTreeMap<String, String>,
) {
    for (name, value) in from {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (into.get_mut(&name), value) {
            (Some(Value::Object(existing)), Value::Object(table)) => merge(existing, table, &key, source, sources),
            (_, Value::Object(table)) => {
                let mut fresh = Map::new();
                merge(&mut fresh, table, &key, source, sources);
                into.insert(name, Value::Object(fresh));
            }
            (_, value) => {
                into.insert(name, value);
                sources.insert(key, source.to_owned());
            }
        }
    }
}

impl Sources {
    /// The source of a key, or of the nearest key below it.
    pub(super) fn of(&self, key: &str) -> String {
        let below = || self.0.iter().find(|(name, _)| name.starts_with(&format!("{key}."))).map(|(_, source)| source);
        self.0.get(key).or_else(below).cloned().unwrap_or_else(|| "the configuration".to_owned())
    }
}
