//! What can be typed about OAuth clients.

use std::path::PathBuf;

use clap::Args;
use wardgate::domain::oauth::client::ClientId;

use super::StageName;

/// Arguments of `clients`.
#[derive(Debug, Args)]
pub struct ClientsArguments {
    /// The file that says which clients and resources there are to be [default: infra/STAGE/clients.toml, in development
    /// config/development-clients.toml].
    pub file: Option<PathBuf>,
    /// Which deployment's.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// Say what would change, and write nothing.
    #[arg(long, conflicts_with_all = ["list", "secret", "drop"])]
    pub dry_run: bool,
    /// Delete what is gone from the file, instead of putting it out of use.
    #[arg(long, conflicts_with_all = ["list", "secret", "drop"])]
    pub prune: bool,
    /// Say which there are, and their secrets' ids.
    #[arg(long, conflicts_with_all = ["secret", "drop", "file"])]
    pub list: bool,
    /// Give this client another secret, and print it: nobody can show it again.
    #[arg(long, conflicts_with_all = ["drop", "file"], value_parser = ClientId::parse)]
    pub secret: Option<ClientId>,
    /// Take the secret with this id out of use.
    #[arg(long, conflicts_with = "file")]
    pub drop: Option<String>,
}
