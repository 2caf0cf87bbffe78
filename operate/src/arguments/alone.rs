//! What can be typed about a stage that has neither stacks nor functions.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wardgate::secrets::RingName;

use super::StageName;

/// A key ring that has keys of its own: the public ones are made of the signing ones.
fn rotating(name: &str) -> Result<RingName, String> {
    let known = RingName::ROTATING;
    known
        .into_iter()
        .find(|ring| ring.name() == name)
        .ok_or_else(|| format!("no ring that gets keys: there are {}", known.map(RingName::name).join(", ")))
}

/// Arguments of `tables`.
#[derive(Debug, Args)]
pub struct TablesArguments {
    /// Which deployment's.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
}

/// Arguments of `keys`.
#[derive(Debug, Args)]
pub struct KeysArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
    /// Which deployment's: how long its tokens live says how long a key is kept.
    #[arg(long, global = true, env = "AUTH__STAGE", default_value = "production")]
    pub stage: StageName,
    /// The folder [default: that of `secrets.folder`].
    #[arg(long, global = true)]
    pub folder: Option<PathBuf>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make each ring that is not there. What is there stays.
    New,
    /// Give rings their next key, which is used once everybody knows it: in two days.
    Next {
        /// This ring alone. May be given more than once.
        #[arg(long = "ring", value_parser = rotating)]
        rings: Vec<RingName>,
    },
    /// Take a key out of use at once, or all of a ring: what they made is refused from then on.
    Retire {
        /// The ring.
        #[arg(long, value_parser = rotating)]
        ring: RingName,
        /// The key's name, as `list` tells it, or `all`.
        #[arg(long)]
        kid: String,
    },
    /// Say which keys there are and when they are used, and nothing that is secret.
    List,
}

/// Arguments of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArguments {
    /// Which deployment's table.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// The last migration that is to be applied; later ones are taken back. `0000` takes back all.
    #[arg(long)]
    pub to: Option<String>,
    /// Count what would change, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Say how every migration stands, and do nothing.
    #[arg(long)]
    pub status: bool,
    /// The most items looked at in a second.
    #[arg(long)]
    pub rate: Option<u32>,
    /// The most capacity units in a second.
    #[arg(long)]
    pub capacity: Option<u32>,
}
