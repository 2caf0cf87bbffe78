//! OAuth clients and resources: what a stage's reviewed file says, and secrets, which are in no file (`make client`).

use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use wardgate::app::App;
use wardgate::domain::oauth::client::Client;
use wardgate::use_cases::clients::{Registry, add_secret, carry_out, drop_secret, plan, registered};

use crate::Failure;
use crate::arguments::{ClientsArguments, StageName};
use crate::progress::say;
use crate::stage::{Deployment, by_hand};

/// Does what was typed.
pub async fn run(arguments: ClientsArguments) -> Result<(), Failure> {
    let deployment = Deployment::open(arguments.stage).await?;
    let result = carried_out(&deployment.app, &arguments).await;
    deployment.close().await?;
    result
}

async fn carried_out(app: &App, arguments: &ClientsArguments) -> Result<(), Failure> {
    let context = by_hand();
    if arguments.list {
        return list(app).await;
    }
    if let Some(client) = &arguments.secret {
        let (id, secret) = add_secret(app, &context, client).await?;
        say(&format!("The secret {id} of client {} works from now on, and nobody can show it again:", client.as_str()));
        print(&secret);
        return Ok(());
    }
    if let Some(secret) = &arguments.drop {
        let client = drop_secret(app, &context, secret).await?;
        say(&format!("The secret {secret} of client {} is out of use, everywhere in a minute.", client.as_str()));
        return Ok(());
    }
    let steps = plan(app, &read(arguments)?, arguments.prune).await?;
    for step in &steps {
        print(&step.difference);
        if !arguments.dry_run {
            carry_out(app, &context, step).await?;
        }
    }
    say(&match (steps.len(), arguments.dry_run) {
        (0, _) => "The table says what the file does.".to_owned(),
        (changes, true) => format!("{changes} to change; nothing is written."),
        (changes, false) => format!("{changes} changed, for all in a minute."),
    });
    Ok(())
}

async fn list(app: &App) -> Result<(), Failure> {
    let (clients, resources) = registered(app).await?;
    let state = |disabled| if disabled { "out of use" } else { "in use" };
    for Client { registration, secrets, disabled, version } in &clients {
        let kind = word(&registration.kind)?;
        print(&format!("client {}: {kind}, {}, version {version}", registration.id.as_str(), state(*disabled)));
        for secret in secrets {
            print(&format!("  secret {}, made {}", secret.id, secret.created_at.rfc3339()));
        }
    }
    for resource in &resources {
        let (uri, version) = (resource.registration.uri.as_str(), resource.version);
        print(&format!("resource {uri}: {}, version {version}", state(resource.disabled)));
    }
    if clients.is_empty() && resources.is_empty() {
        say("There are none.");
    }
    Ok(())
}

/// As it is written in files.
fn word(value: &impl Serialize) -> Result<String, Failure> {
    Ok(match serde_json::to_value(value)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// Reads the file. A member that nobody knows is a mistake, which would otherwise leave its default.
fn read(arguments: &ClientsArguments) -> Result<Registry, Failure> {
    let path = arguments.file.clone().unwrap_or_else(|| usual(arguments.stage));
    let text = fs::read_to_string(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    let table: toml::Table = text.parse().map_err(|cause| format!("{}: {cause}", path.display()))?;
    let registry: Registry = table.clone().try_into().map_err(|cause| format!("{}: {cause}", path.display()))?;
    if let Some(unknown) = table.keys().find(|name| !["client", "resource"].contains(&name.as_str())) {
        return Err(format!("{}: {unknown}: expected [[client]] and [[resource]]", path.display()).into());
    }
    known(&table, "client", &registry.clients)?;
    known(&table, "resource", &registry.resources)?;
    Ok(registry)
}

/// Each writes all that it knows, but for a brand that it does not have.
fn known<T: Serialize>(table: &toml::Table, kind: &str, read: &[T]) -> Result<(), Failure> {
    let written = table.get(kind).and_then(toml::Value::as_array).into_iter().flatten();
    for (written, read) in written.filter_map(toml::Value::as_table).zip(read) {
        let known = serde_json::to_value(read)?;
        if let Some(unknown) = unknown(written, Some(&known)) {
            let members = known.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str);
            let mut members: Vec<&str> = members.filter(|member| *member != "brand").collect();
            members.extend((kind == "client").then_some("brand"));
            return Err(format!("{kind}: {unknown} is no member: there are {}", members.join(", ")).into());
        }
    }
    Ok(())
}

/// The first member, or member of a member, that was written and not read. Of a table with nothing in it nothing is read.
fn unknown(written: &toml::Table, read: Option<&Value>) -> Option<String> {
    written.iter().find_map(|(name, value)| {
        let read = read.and_then(|read| read.get(name));
        match value.as_table() {
            Some(inner) => unknown(inner, read).map(|inner| format!("{name}.{inner}")),
            None => read.is_none().then(|| name.clone()),
        }
    })
}

fn usual(stage: StageName) -> PathBuf {
    match stage {
        StageName::Development => PathBuf::from("config/development-clients.toml"),
        StageName::Staging | StageName::Production => PathBuf::from(format!("infra/{}/clients.toml", stage.name())),
    }
}

#[expect(clippy::print_stdout, reason = "whoever typed the command reads it, or sends it on")]
fn print(text: &str) {
    println!("{text}");
}
