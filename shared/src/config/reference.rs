//! The reference of the keys in `docs/operations/configuration.md`: from the types, the files and the rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::Value;
use toml::Table;

use super::{Brand, Config, ConfigError, Stage, checks, layers};

const BEGIN: &str = "<!-- `make configuration` writes what follows, from shared/src/config/ and config/ -->\n";
const END: &str = "<!-- what follows is written by hand -->\n";
const DEFAULT: &str = include_str!("../../../config/default.toml");
const STAGES: [Stage; 3] = [Stage::Development, Stage::Staging, Stage::Production];
const HEAD: [&str; 9] =
    ["key", "variable", "type", "default", "development", "staging", "production", "range", "meaning"];

/// What the files and rules say, beside the types.
struct Said {
    default: Table,
    stages: [Table; 3],
    rules: BTreeMap<String, Vec<&'static str>>,
}

fn said() -> Said {
    let development = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap();
    let mut rules: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let defaults: Table = DEFAULT.parse().unwrap();
    let limits = serde_json::to_value(&defaults["limits"]).unwrap();
    for rule in checks::rules(&development, limits.as_object().unwrap()) {
        rules.entry(rule.key.into_owned()).or_default().push(rule.expected.strip_prefix("expected ").unwrap());
    }
    let table = |json| toml::Table::try_from(serde_json::from_str::<Value>(json).unwrap()).unwrap();
    Said {
        default: DEFAULT.parse().unwrap(),
        stages: STAGES.map(|stage| [stage.file().1, stage.brand_file().1].into_iter().flat_map(table).collect()),
        rules,
    }
}

/// Each section of `config/default.toml` with its keys, those behind a `#` as well.
fn sections() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut sections: Vec<(_, Vec<_>)> = Vec::new();
    for line in DEFAULT.lines() {
        if let Some(name) = line.strip_prefix('[') {
            sections.push((name.trim_end_matches(']'), Vec::new()));
        } else if let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ")
            && !key.contains(' ')
        {
            sections.last_mut().unwrap().1.push(key);
        }
    }
    sections
}

fn schema() -> Value {
    let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.clone().into_generator().into_root_schema_for::<Config>().to_value();
    // Its files lie apart.
    schema["properties"]["brand"] = settings.into_generator().into_root_schema_for::<Brand>().to_value();
    schema
}

fn reference() -> String {
    let (schema, said) = (schema(), said());
    let mut text = String::new();
    for (name, keys) in sections() {
        let section = at(&schema, name).unwrap_or_else(|| panic!("no section of the types is {name}"));
        writeln!(text, "\n### `[{name}]`\n\n{}.\n", description(section)).unwrap();
        let rows: Vec<_> = keys.iter().map(|key| row(&format!("{name}.{key}"), section, &said)).collect();
        let shown = |column: &usize| rows.iter().any(|row| !["", "–"].contains(&row[*column].as_str()));
        let columns: Vec<_> = (0..HEAD.len()).filter(shown).collect();
        let mut line = |cells: &dyn Fn(usize) -> String| {
            let cells: Vec<_> = columns.iter().map(|column| cells(*column)).collect();
            writeln!(text, "| {} |", cells.join(" | ")).unwrap();
        };
        line(&|column| HEAD[column].to_owned());
        line(&|_| "---".to_owned());
        for row in &rows {
            line(&|column| row[column].clone());
        }
    }
    text + "\n"
}

/// The part of the schema that a dotted key leads to.
fn at<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(schema, |schema, part| schema["properties"].get(part))
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().expect("a doc comment").trim_end_matches('.').replace('\n', " ")
}

fn row(key: &str, section: &Value, said: &Said) -> [String; 9] {
    let name = key.rsplit('.').next().unwrap();
    let schema = at(section, name).unwrap_or_else(|| panic!("no field of the types is {key}"));
    let unit = unit(name);
    let is_optional = schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()))
        || schema["anyOf"].as_array().is_some_and(|any| any.contains(&serde_json::json!({ "type": "null" })));
    let value = |table, otherwise: &str| find(table, key).map_or(otherwise.to_owned(), |it| value(it, unit));
    let unset = if is_optional || find(&said.default, key).is_some() { "–" } else { "to be set" };
    let [development, staging, production] = said.stages.each_ref().map(|table| value(table, unset));
    let Err(ConfigError::MissingKey { variable, .. }) = Err::<(), _>(ConfigError::missing(key)) else { unreachable!() };
    [
        format!("`{name}`"),
        format!("`{variable}`"),
        kind(schema, unit),
        value(&said.default, "none"),
        development,
        staging,
        production,
        said.rules.get(key).map(|rules| rules.join("; ").replace('<', "&lt;")).unwrap_or_default(),
        description(schema),
    ]
}

fn find<'a>(table: &'a Table, key: &str) -> Option<&'a toml::Value> {
    let mut parts = key.split('.');
    let first = table.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.as_table()?.get(part))
}

fn unit(name: &str) -> &'static str {
    let units = [("_seconds", "seconds"), ("_ms", "milliseconds"), ("_days", "days"), ("_kib", "KiB")];
    units.into_iter().find(|(end, _)| name.ends_with(end)).map_or("whole number", |(_, unit)| unit)
}

/// A value as JSON. What is long in seconds is also said in days or hours.
fn value(value: &toml::Value, unit: &str) -> String {
    let plain = format!("`{}`", json(value));
    let seconds = value.as_integer().filter(|_| unit == "seconds").unwrap_or(0);
    match seconds {
        0 => plain,
        _ if seconds % 86_400 == 0 && seconds > 86_400 => format!("{plain} ({} days)", seconds / 86_400),
        _ if seconds % 3600 == 0 && seconds > 3600 => format!("{plain} ({} hours)", seconds / 3600),
        _ => plain,
    }
}

fn json(value: &toml::Value) -> String {
    layers::text(&serde_json::to_value(value).unwrap())
}

fn kind(schema: &Value, unit: &str) -> String {
    // One of several words that may be left out: the words, or null.
    let schema = schema["anyOf"].get(0).unwrap_or(schema);
    // Variants with a doc comment are schemas of their own.
    let variants = schema["oneOf"].as_array().or(schema["enum"].as_array());
    if let Some(variants) = variants {
        let variants: Vec<_> = variants.iter().map(|it| format!("`{}`", it.get("const").unwrap_or(it))).collect();
        return variants.join(" or ");
    }
    let types = schema["type"].as_array().and_then(|types| types.first()).unwrap_or(&schema["type"]);
    match (types.as_str().expect("a type"), schema["items"]["format"].as_str()) {
        ("boolean", _) => "true or false".to_owned(),
        ("integer", _) => unit.to_owned(),
        ("string", _) => "text".to_owned(),
        ("array", Some("ip")) => "list of IP addresses".to_owned(),
        ("array", _) => "list of texts".to_owned(),
        other => panic!("no words for {other:?}"),
    }
}

/// `make configuration` writes what the code says.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn the_configuration_reference_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", reference())).unwrap();
        return;
    }
    assert!(kept == reference(), "docs/operations/configuration.md is not current: run `make configuration`");
}

/// A key that no line of `config/default.toml` mentions would be missing in the reference.
#[test]
fn each_key_of_the_types_stands_in_the_default_file() {
    fn keys(schema: &Value, prefix: &str, found: &mut Vec<String>) {
        for (name, part) in schema["properties"].as_object().unwrap() {
            let key = format!("{prefix}{name}");
            if part.get("properties").is_some() { keys(part, &format!("{key}."), found) } else { found.push(key) }
        }
    }
    let mut typed = Vec::new();
    keys(&schema(), "", &mut typed);
    let mut listed = vec!["stage".to_owned()];
    listed.extend(sections().iter().flat_map(|(name, keys)| keys.iter().map(move |key| format!("{name}.{key}"))));
    listed.sort();
    typed.sort();
    assert_eq!(listed, typed);
}

/// A limit that is added is held to rules by its keys' names, and `config/checks/limits.rs` has to know them.
#[test]
fn each_key_of_a_limit_has_a_rule() {
    let rules = said().rules;
    for (name, keys) in sections().into_iter().filter(|(name, _)| name.starts_with("limits.")) {
        for key in keys {
            assert!(rules.contains_key(&format!("{name}.{key}")), "{name}.{key}");
        }
    }
}

/// A rule about a key that does not exist would say nothing to anybody.
#[test]
fn each_rule_is_about_a_key() {
    let schema = schema();
    for key in said().rules.keys() {
        assert!(at(&schema, key).is_some(), "{key}");
    }
}

/// What `.env.example` begins with.
const EXAMPLE_HEAD: &str = "\
# Copy this to .env, which git ignores, and take the # off what is to be another. `make run`, `make watch` and what works
# on their store read it, in stage development alone; variables of the shell win over it. `make configuration` writes this
# file; docs/operations/configuration.md says what the keys mean.
";
/// Not in a file: `make run` says it.
const NOT_IN_A_FILE: &str = "embedded.folder";

/// Each key with what holds in development, behind a `#`.
fn example() -> String {
    let said = said();
    let [development, ..] = &said.stages;
    let mut text = EXAMPLE_HEAD.to_owned();
    for (name, keys) in sections() {
        writeln!(text, "\n# [{name}]").unwrap();
        for key in keys.iter().map(|key| format!("{name}.{key}")).filter(|key| key != NOT_IN_A_FILE) {
            let Err(ConfigError::MissingKey { variable, .. }) = Err::<(), _>(ConfigError::missing(&key)) else {
                unreachable!()
            };
            let value = find(development, &key).or_else(|| find(&said.default, &key)).map(in_a_file);
            writeln!(text, "#{variable}={}", value.unwrap_or_default()).unwrap();
        }
    }
    text
}

/// A value as a line of such a file has it: in single quotes everything is as it stands.
fn in_a_file(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("'{text}'"),
        toml::Value::Array(_) => format!("'{}'", json(value)),
        value => json(value),
    }
}

/// `make configuration` writes it, too.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn the_example_of_an_environment_file_is_in_the_configuration_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env.example");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, example()).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == example(), ".env.example is not current: run `make configuration`");
}

/// What is uncommented as it stands changes nothing in development.
#[test]
fn every_line_of_the_example_is_what_holds_already() {
    let stage = ("AUTH__STAGE".to_owned(), "development".to_owned());
    let plain = Config::load([stage.clone()]).unwrap().settings();
    let lines: Vec<(String, String)> = example()
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, value)| name.starts_with("AUTH__") && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
        .collect();
    assert!(lines.len() > 50, "{}", lines.len());
    let set = Config::load(lines.into_iter().chain([stage])).unwrap().settings();
    for (before, after) in plain.iter().zip(&set) {
        assert_eq!((&before.key, &before.value), (&after.key, &after.value));
    }
}
