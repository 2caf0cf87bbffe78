//! `CloudFormation` templates, read and resolved as far as tests ask.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};
use wardgate_server::endpoints::AREAS;

use crate::harness::repository;

/// The stack of the API and of what no route leads to. It is deployed last.
pub const API: &str = "template.yaml";
/// The stack of what has to be there before other functions.
pub const MIGRATE: &str = "infra/migrate.yaml";
/// The stack of what stands in front of the API.
pub const EDGE: &str = "infra/edge.yaml";

/// A key-value store of `CloudFront`.
pub const EDGE_STORE: &str = "arn:aws:cloudfront::123456789012:key-value-store/4d2b1c1f-9d7c-4f7e-8a53-0c1d2e3f4a5b";

/// The stack of an area's functions.
pub fn area_stack(area: &str) -> String {
    format!("infra/functions/{area}.yaml")
}

/// The stacks with functions, as they are deployed one after another.
pub fn code_paths() -> Vec<String> {
    let areas = AREAS.iter().map(|area| area_stack(area.name));
    [MIGRATE.to_owned()].into_iter().chain(areas).chain([API.to_owned()]).collect()
}

/// A stack with functions.
pub struct CodeStack {
    /// From the repository's root.
    pub path: String,
    /// Resolved.
    pub template: Value,
}

/// The stacks with functions, with these parameters.
pub fn code_stacks(given: &[(&str, Value)]) -> Vec<CodeStack> {
    let stack = |path: String| CodeStack { template: resolve(&read(&path), given), path };
    code_paths().into_iter().map(stack).collect()
}

/// Everything that a parameter can switch on.
pub fn everything() -> [(&'static str, Value); 4] {
    [
        ("AuthorizerAudience", json!("https://api.example.com")),
        ("AuthorizerChecksSessions", json!("true")),
        ("EdgeStoreArn", json!(EDGE_STORE)),
        ("Tracing", json!("on")),
    ]
}

/// The template that a function is in, with these parameters.
#[track_caller]
pub fn stack_of(function: &str, given: &[(&str, Value)]) -> Value {
    let stack = code_stacks(given).into_iter().find(|stack| functions(&stack.template).contains_key(function));
    stack.unwrap_or_else(|| panic!("no stack has {function}")).template
}

/// Every template of the repository but for those of examples.
pub fn templates() -> Vec<String> {
    let mut templates = vec![API.to_owned()];
    for folder in ["infra", "infra/functions"] {
        let files = fs::read_dir(repository(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let paths = files.map(|name| format!("{folder}/{}", name.into_string().unwrap()));
        templates.extend(paths.filter(|path| Path::new(path).extension().is_some_and(|it| it == "yaml")));
    }
    templates.sort();
    templates
}

/// What a stage's file says; stage development has the defaults.
pub fn stage_parameters(stage: &str) -> Vec<(String, Value)> {
    if stage == "development" {
        return Vec::new();
    }
    let file = read(&format!("infra/{stage}/parameters.yaml"));
    file.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A YAML file of the repository as JSON. `!Sub x` becomes `{"Fn::Sub": "x"}`, and so on.
pub fn read(path: &str) -> Value {
    let text = fs::read_to_string(repository(path)).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap();
    json_of(&documents[0])
}

fn json_of(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(json_of).collect(),
        Yaml::Mapping(members) => {
            let members = members.iter().map(|(name, value)| (name.as_str().unwrap().to_owned(), json_of(value)));
            Value::Object(members.collect())
        }
        Yaml::Tagged(tag, value) => {
            let name = match tag.suffix.as_str() {
                "Ref" => "Ref".to_owned(),
                function => format!("Fn::{function}"),
            };
            json!({ name: json_of(value) })
        }
        other => panic!("neither CloudFormation nor a parameter file: {other:?}"),
    }
}

/// A template with these parameters; others have their defaults. Conditions are decided, and references to parameters
/// replaced; references to resources stay.
pub fn resolve(template: &Value, given: &[(&str, Value)]) -> Value {
    let mut parameters: BTreeMap<String, Value> = BTreeMap::new();
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        let value = given.iter().find(|(given, _)| given == name).map_or(&parameter["Default"], |(_, value)| value);
        let is_list = parameter["Type"] == "CommaDelimitedList";
        let value = match value.as_str() {
            Some(text) if is_list => text.split(',').collect(),
            _ => value.clone(),
        };
        parameters.insert(name.clone(), value);
    }
    let resolver = Resolver { parameters, conditions: &template["Conditions"] };
    let mut resolved = template.clone();
    let resources = resolved["Resources"].as_object_mut().unwrap();
    resources.retain(|_, resource| resource["Condition"].as_str().is_none_or(|name| resolver.holds(name)));
    for section in ["Globals", "Resources"] {
        resolved[section] = resolver.value(&template_section(&resolved, section)).unwrap();
    }
    resolved
}

fn template_section(template: &Value, section: &str) -> Value {
    template.get(section).cloned().unwrap_or_else(|| json!({}))
}

struct Resolver<'a> {
    parameters: BTreeMap<String, Value>,
    conditions: &'a Value,
}

impl Resolver<'_> {
    fn holds(&self, condition: &str) -> bool {
        self.decide(&self.conditions[condition])
    }

    fn decide(&self, expression: &Value) -> bool {
        if let Some(operands) = expression.get("Fn::Equals") {
            return self.text(&operands[0]) == self.text(&operands[1]);
        }
        if let Some(all) = expression.get("Fn::And").and_then(Value::as_array) {
            return all.iter().all(|one| self.decide(one));
        }
        !self.decide(expression.pointer("/Fn::Not/0").unwrap_or_else(|| panic!("no condition is {expression}")))
    }

    fn text(&self, value: &Value) -> String {
        let value = self.value(value).unwrap();
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// `None` for `AWS::NoValue`.
    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(members) => match members.iter().next() {
                Some((function, argument)) if members.len() == 1 => self.function(function, argument, value),
                _ => Some(self.members(members)),
            },
            Value::Array(items) => Some(items.iter().filter_map(|item| self.value(item)).collect()),
            _ => Some(value.clone()),
        }
    }

    fn members(&self, members: &Map<String, Value>) -> Value {
        let members = members.iter().filter_map(|(name, value)| Some((name.clone(), self.value(value)?)));
        Value::Object(members.collect())
    }

    fn function(&self, function: &str, argument: &Value, whole: &Value) -> Option<Value> {
        match function {
            "Ref" if argument == "AWS::NoValue" => None,
            "Ref" => Some(self.named(argument.as_str().unwrap()).unwrap_or_else(|| whole.clone())),
            "Fn::If" => self.value(&argument[if self.holds(argument[0].as_str().unwrap()) { 1 } else { 2 }]),
            "Fn::Join" => {
                let items = self.value(&argument[1]).unwrap();
                let items: Vec<String> = items.as_array().unwrap().iter().map(|item| self.text(item)).collect();
                Some(json!(items.join(argument[0].as_str().unwrap())))
            }
            "Fn::Split" => {
                let text = self.text(&argument[1]);
                Some(text.split(argument[0].as_str().unwrap()).collect())
            }
            "Fn::Select" => {
                let index = usize::try_from(argument[0].as_u64().unwrap()).unwrap();
                self.value(&self.value(&argument[1]).unwrap()[index])
            }
            "Fn::Sub" => {
                let (text, own) = argument.as_str().map_or_else(
                    || (argument[0].as_str().unwrap(), argument[1].as_object().cloned().unwrap()),
                    |text| (text, Map::new()),
                );
                Some(json!(self.substitute(text, &own)))
            }
            _ => match self.members(whole.as_object().unwrap()) {
                Value::Object(members) if members.is_empty() => None,
                resolved => Some(resolved),
            },
        }
    }

    fn substitute(&self, text: &str, own: &Map<String, Value>) -> String {
        let mut parts = text.split("${");
        let mut result = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap();
            let value = own.get(name).map(|value| self.text(value)).or_else(|| self.named(name).map(|v| self.text(&v)));
            result.push_str(&value.unwrap_or_else(|| format!("${{{name}}}")));
            result.push_str(rest);
        }
        result
    }

    fn named(&self, name: &str) -> Option<Value> {
        match name {
            "AWS::Partition" => Some(json!("aws")),
            "AWS::Region" => Some(json!("eu-central-1")),
            "AWS::AccountId" => Some(json!("123456789012")),
            _ => self.parameters.get(name).cloned(),
        }
    }
}

/// The template's resources of a type, by logical id.
pub fn resources<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let resources = template["Resources"].as_object().unwrap().iter();
    resources.filter(|(_, it)| it["Type"] == kind).map(|(id, it)| (id.as_str(), &it["Properties"])).collect()
}

/// The name of each function, which is its folder's, with its logical id up to `Function`.
pub fn functions(template: &Value) -> BTreeMap<String, &str> {
    let functions = resources(template, "AWS::Serverless::Function").into_iter();
    functions
        .map(|(id, properties)| {
            let folder = properties["CodeUri"].as_str().unwrap();
            let folder = folder.trim_start_matches("../");
            let name = folder.strip_prefix("target/lambda/").and_then(|rest| rest.strip_suffix('/')).unwrap();
            (name.to_owned(), id.strip_suffix("Function").unwrap())
        })
        .collect()
}

/// The statements of a function's role.
pub fn statements<'a>(template: &'a Value, id: &str) -> &'a Vec<Value> {
    let role = &template["Resources"][format!("{id}Role")]["Properties"];
    assert_eq!(role["Policies"].as_array().map(Vec::len), Some(1), "{id}Role");
    role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap()
}

/// One text or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect(),
        _ => value.as_str().into_iter().collect(),
    }
}
