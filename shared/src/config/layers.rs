//! Values in layers, each of which remembers where it came from.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{Config, ConfigError, Setting};

/// The merged values, and for each dotted key its source.
#[derive(Default)]
pub(super) struct Layers {
    merged: Table,
    sources: Sources,
}

/// Which file or variable set each dotted key.
#[derive(Default)]
pub(super) struct Sources(BTreeMap<String, String>);

impl Layers {
    /// Lays a TOML file over what is there.
    pub(super) fn add_file(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::File {
            source_name: name.to_owned(),
            message: error.message().to_owned(),
        })?;
        merge(&mut self.merged, table, "", name, &mut self.sources.0);
        Ok(())
    }

    /// Lays one variable over what is there. A key that already holds a string takes the text as it is; anything else
    /// is read as TOML (`8080`, `true`, `["a", "b"]`), and as plain text if it is not.
    pub(super) fn set(&mut self, key: &str, variable: &str, text: &str) -> Result<(), ConfigError> {
        let path: Vec<&str> = key.split('.').collect();
        let Some((last, parents)) = path.split_last() else { return Ok(()) };
        let mut table = &mut self.merged;
        for parent in parents {
            let entry = table.entry(*parent).or_insert_with(|| Value::Table(Table::new()));
            table = entry.as_table_mut().ok_or_else(|| ConfigError::UnknownKey {
                key: key.to_owned(),
                source_name: variable.to_owned(),
                expected: format!("`{parent}` has a value, not further keys"),
            })?;
        }
        let value = match table.get(*last) {
            Some(Value::String(_)) => Value::String(text.to_owned()),
            _ => toml_value(text),
        };
        table.insert((*last).to_owned(), value);
        self.sources.0.insert(key.to_owned(), variable.to_owned());
        Ok(())
    }

    /// Each key that is set.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let setting = |(key, source): (&String, &String)| {
            let mut parts = key.split('.');
            let first = self.merged.get(parts.next()?)?;
            let value = parts.try_fold(first, |value, part| value.as_table()?.get(part))?;
            let value = if is_secret(key) { "(hidden)".to_owned() } else { text(value) };
            Some(Setting { key: key.clone(), value, source: source.clone() })
        };
        self.sources.0.iter().filter_map(setting).collect()
    }

    /// A section as it was set.
    pub(super) fn section(&self, name: &str) -> Table {
        self.merged.get(name).and_then(Value::as_table).cloned().unwrap_or_default()
    }

    /// Reads the merged values as the configuration.
    pub(super) fn into_config(self) -> Result<(Config, Sources), ConfigError> {
        match Config::deserialize(Value::Table(self.merged)) {
            Ok(config) => Ok((config, self.sources)),
            Err(error) => {
                // The library tells the key on a line of its own. Tracking the path with serde_path_to_error would
                // cost every function a hundred kilobytes.
                let text = error.to_string();
                let path = text.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
                Err(explain(path.unwrap_or_default(), error.message(), &self.sources))
            }
        }
    }
}

/// Secrets come from Secrets Manager, and no key has one. A new key that does is hidden by its name.
fn is_secret(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or(key);
    ["secret", "password", "pepper", "credential", "private", "_key"].iter().any(|part| name.contains(part))
}

/// A value as TOML, which JSON is for everything but tables.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", ")),
        value => serde_json::to_string(value).unwrap_or_default(),
    }
}

fn toml_value(text: &str) -> Value {
    // Reading `x = <text>` would accept further lines.
    let single_line = !text.contains(['\n', '\r']);
    let document = single_line.then(|| format!("x = {text}").parse::<Table>().ok()).flatten();
    document.and_then(|mut table| table.remove("x")).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn merge(into: &mut Table, from: Table, prefix: &str, source: &str, sources: &mut BTreeMap<String, String>) {
    for (name, value) in from {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (into.get_mut(&name), value) {
            (Some(Value::Table(existing)), Value::Table(table)) => merge(existing, table, &key, source, sources),
            (_, Value::Table(table)) => {
                let mut fresh = Table::new();
                merge(&mut fresh, table, &key, source, sources);
                into.insert(name, Value::Table(fresh));
            }
            (_, value) => {
                into.insert(name, value);
                sources.insert(key, source.to_owned());
            }
        }
    }
}

/// Turns serde's message into one that names key, source and expectation. serde says which of its three failures it
/// met by how the message begins; a test holds each of the three.
fn explain(path: &str, message: &str, sources: &Sources) -> ConfigError {
    let named = message.split('`').nth(1).unwrap_or_default();
    let join = |name: &str| match path {
        "" | "." => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if message.starts_with("missing field") {
        return ConfigError::missing(&join(named));
    }
    if message.starts_with("unknown field") {
        let key = join(named);
        let expected = message.split_once("expected ").map_or("nothing here", |(_, expected)| expected).to_owned();
        return ConfigError::UnknownKey { source_name: sources.of(&key), key, expected };
    }
    // The value itself may be a secret that landed in the wrong key: say only what was expected.
    let expected = match message.rsplit_once("expected ") {
        Some((_, rest)) if rest.starts_with("struct ") => "expected a section of keys".to_owned(),
        Some((_, rest)) => format!("expected {rest}"),
        None => "this is not a valid value".to_owned(),
    };
    ConfigError::WrongValue { source_name: sources.of(path), key: path.to_owned(), expected }
}

impl Sources {
    /// The source of a key, or of the nearest key below it.
    pub(super) fn of(&self, key: &str) -> String {
        let below = || self.0.iter().find(|(name, _)| name.starts_with(&format!("{key}."))).map(|(_, source)| source);
        self.0.get(key).or_else(below).cloned().unwrap_or_else(|| "the configuration".to_owned())
    }
}
