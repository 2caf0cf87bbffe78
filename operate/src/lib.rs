//! What operators do to a stage's data: users from other systems into the table and out of it, and, where no stack and no
//! function does it, tables, keys and migrations.
//!
//! - [`arguments`]: what can be typed. [`stage`]: which table it is about.
//! - [`import`]: rows into accounts, with [`checkpoint`], [`errors`], [`progress`] and [`summary`] beside it.
//! - [`input`] reads the file in its [`encoding`], [`rows`] takes it apart, [`formats`] know what each system calls things.
//! - [`export`]: accounts into rows. [`encryption`]: age, both ways.
//! - [`seed`]: people who are made up (`make seed`).
//! - [`clients`]: OAuth clients and resources, and clients' secrets (`make client`).
//! - [`recovery`]: a person who has lost every second factor (`make allow-recovery`).
//! - [`rehearse`]: migrations on a copy of a table (`make migrate REHEARSE=1`).
//! - [`tables`], [`rings`], [`migrations`]: what a server alone needs before it starts, and between releases.
//! - [`keys`]: key rings into an encrypted file, and back (`make backup-keys`, `make restore-keys`).

pub mod arguments;
pub mod checkpoint;
pub mod clients;
pub mod encoding;
pub mod encryption;
pub mod errors;
pub mod export;
pub mod formats;
pub mod generate;
pub mod import;
pub mod input;
pub mod keys;
pub mod migrations;
pub mod progress;
pub mod recovery;
pub mod rehearse;
pub mod rings;
pub mod rows;
pub mod seed;
pub mod stage;
pub mod summary;
pub mod tables;

use arguments::{Arguments, Command};

/// Any failure, told to whoever typed the command.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Does what was typed.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Import(arguments) => import::run(arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Generate(arguments) => generate::run(&arguments),
        Command::BackupKeys(arguments) => keys::backup(arguments).await,
        Command::RestoreKeys(arguments) => keys::restore(arguments).await,
        Command::Seed(arguments) => seed::run(arguments).await,
        Command::Rehearse(arguments) => rehearse::run(arguments).await,
        Command::Clients(arguments) => clients::run(arguments).await,
        Command::AllowRecovery(arguments) => recovery::run(arguments).await,
        Command::Tables(arguments) => tables::run(&arguments).await,
        Command::Keys(arguments) => rings::run(&arguments),
        Command::Migrate(arguments) => migrations::run(arguments).await,
    }
}
