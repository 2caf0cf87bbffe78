//! The stacks with functions, from `infra/templates/`, what endpoints say of themselves, and what they were seen to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use serde::Serialize;
use wardgate::http::endpoint::{Class, Endpoint, Reserve, Route};
use wardgate_server::endpoints::{AREAS, ENDPOINTS, EVENT_FUNCTIONS};

use super::File;
use super::grants::{Granted, Grants};
use crate::harness::cloudformation::{API, EDGE, MIGRATE, area_stack};
use crate::harness::repository;

/// What a function asks for in stage development alone, by function, table and partition: only there is an account made
/// without its address being verified. `permissions/` holds what other stages get to what is asked there.
const IN_DEVELOPMENT_ALONE: [(&str, &str, &str); 1] = [("register", "wardgate", "USER#*")];

/// What templates know of a function.
#[derive(Serialize)]
struct Function {
    /// As logical ids begin: `EmailVerify`.
    id: String,
    name: &'static str,
    /// Which concurrency it takes, if it hashes.
    reserve: Option<&'static str>,
    secrets: Vec<Secrets>,
    tables: Vec<TableStatement>,
    /// Which of the two decrypt for it.
    services: Vec<&'static str>,
}

#[derive(Serialize)]
struct Secrets {
    sid: String,
    actions: String,
    rings: Vec<String>,
}

#[derive(Serialize)]
struct TableStatement {
    sid: String,
    actions: String,
    table: &'static str,
    partitions: Vec<String>,
    /// Whether other stages than development do without it.
    in_development_alone: bool,
}

impl Function {
    fn new(name: &'static str, class: Class, granted: Option<&Granted>) -> Self {
        let granted = granted.cloned().unwrap_or_default();
        let tables = granted.tables.iter().flat_map(|(table, partitions)| statements(name, table, partitions));
        let services = [("secretsmanager", !granted.secrets.is_empty()), ("dynamodb", !granted.tables.is_empty())];
        let mut function = Self {
            id: id(name),
            name,
            reserve: match class {
                Class::Standard => None,
                Class::Hashing(Reserve::Login) => Some("Login"),
                Class::Hashing(Reserve::Register) => Some("Register"),
                Class::Hashing(Reserve::Password) => Some("Password"),
            },
            secrets: secrets(&granted.secrets),
            tables: tables.collect(),
            services: services.into_iter().filter_map(|(service, is_asked)| is_asked.then_some(service)).collect(),
        };
        function.number_sids();
        function
    }

    /// Two statements about one kind of partition need different ids.
    fn number_sids(&mut self) {
        let mut counted: BTreeMap<String, u32> = BTreeMap::new();
        let sids = self.secrets.iter_mut().map(|it| &mut it.sid).chain(self.tables.iter_mut().map(|it| &mut it.sid));
        for sid in sids {
            let count = counted.entry(sid.clone()).or_default();
            *count += 1;
            if *count > 1 {
                sid.push_str(&count.to_string());
            }
        }
    }
}

/// A name's words without hyphens: `email-verify` is `EmailVerify`.
pub fn id(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn secrets(rings: &BTreeMap<String, BTreeSet<String>>) -> Vec<Secrets> {
    let grouped = by_actions(rings).into_iter();
    grouped
        .map(|(actions, rings)| Secrets { sid: "Rings".to_owned(), actions: list("secretsmanager", &actions), rings })
        .collect()
}

/// A statement for each set of actions, on every partition that has just these.
fn statements(function: &str, table: &str, partitions: &BTreeMap<String, BTreeSet<String>>) -> Vec<TableStatement> {
    let (prefix, name) = match table {
        "wardgate" => ("", "${TableName}"),
        "wardgate-audit" => ("Audit", "${AuditTableName}"),
        other => panic!("a role of another table: {other}"),
    };
    let is_in_development_alone = |it: &str| IN_DEVELOPMENT_ALONE.contains(&(function, table, it));
    let (development, partitions): (BTreeMap<_, _>, BTreeMap<_, _>) =
        partitions.clone().into_iter().partition(|(partition, _)| is_in_development_alone(partition));
    // What asks for no partition is apart: no condition could name one.
    let (whole, keyed): (BTreeMap<_, _>, BTreeMap<_, _>) =
        partitions.into_iter().partition(|(partition, _)| partition.is_empty());
    let of = |(actions, partitions): (BTreeSet<String>, Vec<String>)| {
        let kinds: BTreeSet<String> = partitions.iter().map(|it| kind(it)).collect();
        TableStatement {
            sid: format!("{prefix}{}", kinds.into_iter().collect::<String>()),
            actions: list("dynamodb", &actions),
            table: name,
            in_development_alone: partitions.iter().any(|it| is_in_development_alone(it)),
            partitions: partitions.into_iter().filter(|it| !it.is_empty()).collect(),
        }
    };
    [whole, keyed, development].iter().flat_map(by_actions).map(of).collect()
}

/// `EMAIL#*` is `Email`, and all of a table `Table`.
fn kind(partition: &str) -> String {
    let kind = partition.split('#').next().unwrap();
    if kind.is_empty() { "Table".to_owned() } else { kind[..1].to_owned() + &kind[1..].to_lowercase() }
}

fn by_actions(given: &BTreeMap<String, BTreeSet<String>>) -> Vec<(BTreeSet<String>, Vec<String>)> {
    let mut grouped: Vec<(BTreeSet<String>, Vec<String>)> = Vec::new();
    for (name, actions) in given {
        match grouped.iter_mut().find(|(known, _)| known == actions) {
            Some((_, names)) => names.push(name.clone()),
            None => grouped.push((actions.clone(), vec![name.clone()])),
        }
    }
    grouped
}

fn list(service: &str, actions: &BTreeSet<String>) -> String {
    let actions: Vec<String> = actions.iter().map(|action| format!("{service}:{action}")).collect();
    if actions.len() == 1 { actions[0].clone() } else { format!("[{}]", actions.join(", ")) }
}

/// A path of the API, with what answers there.
#[derive(Serialize)]
struct ApiPath {
    path: &'static str,
    parameters: Vec<String>,
    methods: Vec<Method>,
}

#[derive(Serialize)]
struct Method {
    /// As the API's body says it.
    method: String,
    function: &'static str,
}

/// A right of the API's to call a function.
#[derive(Serialize)]
struct Permission {
    id: String,
    function: &'static str,
    /// The route, as ARNs have it.
    source: String,
}

/// Every stack that is generated.
pub fn all(grants: &Grants) -> Vec<File> {
    let of = |endpoint: &Endpoint| Function::new(endpoint.name, endpoint.class, grants.get(endpoint.name));
    let mut files = Vec::new();
    for area in &AREAS {
        let endpoints: Vec<Function> = area.endpoints.iter().map(|(endpoint, _)| of(endpoint)).collect();
        let reserves: BTreeSet<&str> = endpoints.iter().filter_map(|it| it.reserve).collect();
        let development = endpoints.iter().flat_map(|it| &it.tables).any(|it| it.in_development_alone);
        let endpoints = Value::from(Serde(endpoints));
        let reserves = Value::from(Serde(reserves));
        let context = context! { area => area.name, endpoints, reserves, development };
        files.push(render("area.yaml.jinja", &area_stack(area.name), "../../", context));
    }
    let functions = EVENT_FUNCTIONS.iter().map(|name| (*name, Function::new(name, Class::Standard, grants.get(*name))));
    let functions: BTreeMap<&str, Function> = functions.collect();
    let functions = Value::from(Serde(functions));
    let paths = Value::from(Serde(paths()));
    let permissions = Value::from(Serde(permissions()));
    files.push(render("migrate.yaml.jinja", MIGRATE, "../", context! { functions => functions.clone() }));
    let context = context! { functions, paths, permissions, hashing => hashing() };
    files.push(render("template.yaml.jinja", API, "", context));
    let guessing = Value::from(Serde(guessing()));
    let (deny, viewer) = (inline("edge/deny.js"), inline("edge/viewer.js"));
    files.push(render("edge.yaml.jinja", EDGE, "../", context! { guessing, deny, viewer }));
    files
}

/// A function of the edge, as deep as a template has it.
fn inline(path: &str) -> String {
    let text = fs::read_to_string(repository(path)).unwrap();
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("        {line}\n") }).collect()
}

/// The paths of the routes that have a throttle of their own, which all are of one method.
fn guessing() -> Vec<&'static str> {
    hashing_routes()
        .map(|route| {
            assert_eq!(route.method, Some(http::Method::POST), "{route}: infra/templates/edge.yaml.jinja knows POST");
            route.path
        })
        .collect()
}

fn routes() -> impl Iterator<Item = (&'static str, &'static Route)> {
    ENDPOINTS.iter().flat_map(|(endpoint, _)| endpoint.routes.iter().map(|route| (endpoint.name, route)))
}

fn paths() -> Vec<ApiPath> {
    let mut methods: BTreeMap<&str, Vec<Method>> = BTreeMap::new();
    for (function, route) in routes() {
        let method = route.method.as_ref().map(|it| it.as_str().to_lowercase());
        let method = method.unwrap_or_else(|| "x-amazon-apigateway-any-method".to_owned());
        methods.entry(route.path).or_default().push(Method { method, function });
    }
    let parameters = |path: &str| {
        let parts = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        parts.map(|name| format!("\"{name}\"")).collect()
    };
    methods.into_iter().map(|(path, methods)| ApiPath { path, parameters: parameters(path), methods }).collect()
}

fn permissions() -> Vec<Permission> {
    let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
    let of = |(function, route): (&'static str, &Route)| {
        let count = counted.entry(function).or_default();
        *count += 1;
        let number = if *count == 1 { String::new() } else { count.to_string() };
        let path = route.path.split('/').map(|part| if part.starts_with('{') { "*" } else { part });
        let method = route.method.as_ref().map_or("*", |method| method.as_str());
        let source = format!("{method}{}", path.collect::<Vec<_>>().join("/"));
        Permission { id: format!("{}{number}", id(function)), function, source }
    };
    routes().map(of).collect()
}

/// The routes with a throttle of their own.
fn hashing() -> Vec<String> {
    hashing_routes().map(ToString::to_string).collect()
}

fn hashing_routes() -> impl Iterator<Item = &'static Route> {
    let hashing = ENDPOINTS.iter().filter(|(endpoint, _)| matches!(endpoint.class, Class::Hashing(_)));
    let mut routes: Vec<&Route> = hashing.flat_map(|(endpoint, _)| endpoint.routes).collect();
    routes.sort_by_key(ToString::to_string);
    routes.into_iter()
}

/// `root` leads from the stack's file to the repository's root.
fn render(template: &str, path: &str, root: &str, context: Value) -> File {
    let sources: Vec<(String, String)> = fs::read_dir(repository("infra/templates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), source(&file)))
        .collect();
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build().unwrap());
    environment.add_global("root", root);
    for (name, source) in &sources {
        environment.add_template(name, source).unwrap_or_else(|error| panic!("{error:#}"));
    }
    let content = environment.get_template(template).and_then(|template| template.render(context));
    File { path: path.to_owned(), content: content.unwrap_or_else(|error| panic!("{error:#}")) }
}

/// A line that is one expression does not end by itself: what it prints does.
fn source(file: &std::path::Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let is_expression = |line: &str| line.starts_with("{{") && line.ends_with("}}");
    text.lines().map(|line| if is_expression(line) { line.to_owned() } else { format!("{line}\n") }).collect()
}
