//! What can be typed.

mod alone;
mod clients;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use encoding_rs::Encoding;
use wardgate::domain::email::Email;
use wardgate::secrets::RingName;

use crate::formats::Format;
use crate::keys;
pub use alone::{KeysArguments, KeysCommand, MigrateArguments, TablesArguments};
pub use clients::ClientsArguments;

/// An encoding by any of its names.
fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| "no such encoding: try windows-1252 or utf-16le".to_owned())
}

/// A key ring by its name.
fn ring(name: &str) -> Result<RingName, String> {
    let mut rings = keys::RINGS.into_iter();
    rings
        .find(|ring| ring.name() == name)
        .ok_or_else(|| format!("no such ring: there are {}", keys::RINGS.map(RingName::name).join(", ")))
}

/// What operators do to a stage's data.
#[derive(Debug, Parser)]
#[command(name = "wardgate-operate", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create the accounts that a file describes. Accounts that exist stay as they are.
    Import(ImportArguments),
    /// Write every account to a file.
    Export(ExportArguments),
    /// Create people who are made up, the same for the same seed. Not in production.
    Seed(SeedArguments),
    /// Have the OAuth clients and resources that a file says, and no others in use.
    Clients(ClientsArguments),
    /// Let the second factors of an account that has lost them be taken away by mail, without the wait.
    AllowRecovery(AllowRecoveryArguments),
    /// Make both tables of a stage, unless they are there.
    Tables(TablesArguments),
    /// Make key rings in a folder, as a server without Secrets Manager reads them, and the keys that follow.
    Keys(KeysArguments),
    /// Apply the migrations of this release, or take some back. It goes on until nothing is left to be done.
    Migrate(MigrateArguments),
    /// Write a file of made-up accounts, for measurements.
    #[command(hide = true)]
    Generate(GenerateArguments),
    /// Copy every key ring of a stage in AWS into an encrypted file; `make backup-keys` runs it.
    #[command(hide = true)]
    BackupKeys(BackupKeysArguments),
    /// Put lost key rings back; `make restore-keys` runs it.
    #[command(hide = true)]
    RestoreKeys(RestoreKeysArguments),
    /// Apply migrations to a copy of a table; `make migrate REHEARSE=1` runs it.
    #[command(hide = true)]
    Rehearse(RehearseArguments),
}

/// Which deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StageName {
    /// The store and keys of `make run`.
    Development,
    /// In AWS.
    Staging,
    /// In AWS.
    Production,
}

/// Arguments of `allow-recovery`.
#[derive(Debug, Args)]
pub struct AllowRecoveryArguments {
    /// The account's address.
    #[arg(value_parser = Email::parse)]
    pub email: Email,
    /// Which deployment's.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file; it may be encrypted with age.
    pub file: PathBuf,
    /// Which deployment gets the accounts.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// Who wrote the file. JSON, JSON lines and CSV are told apart by their first character.
    #[arg(long, default_value = "wardgate")]
    pub format: Format,
    /// Read and check every row, write nothing, need no deployment.
    #[arg(long)]
    pub dry_run: bool,
    /// Where refused rows are listed, as row number and reason [default: FILE.errors.csv].
    #[arg(long)]
    pub errors: Option<PathBuf>,
    /// A file for what is told at the end, as JSON.
    #[arg(long)]
    pub summary: Option<PathBuf>,
    /// What the file's text is encoded in, such as windows-1252 [default: UTF-8, or UTF-16 if it looks like it].
    #[arg(long, value_parser = encoding)]
    pub encoding: Option<&'static Encoding>,
    /// Begin with the first row even if an earlier import of this file was interrupted.
    #[arg(long)]
    pub restart: bool,
    /// How many transactions, of up to 33 accounts each, may be under way at a time.
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How to read an encrypted file.
    #[command(flatten)]
    pub decryption: DecryptionArguments,
    /// How the passwords of a Firebase project are hashed.
    #[command(flatten)]
    pub firebase: FirebaseArguments,
    /// After how many rows the progress is written down.
    #[arg(long, hide = true, default_value = "3300")]
    pub checkpoint_rows: u64,
}

/// How an encrypted file is read.
#[derive(Debug, Args)]
pub struct DecryptionArguments {
    /// A file with the age identity (secret key) that the input is encrypted to.
    #[arg(long)]
    pub identity_file: Option<PathBuf>,
    /// A file with the passphrase that the input is encrypted with.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
}

/// What a Firebase project's console shows as its hash parameters.
#[derive(Debug, Args)]
pub struct FirebaseArguments {
    /// Firebase: a file with the `hash_config { … }` that the console shows. Better than the next four, which others on
    /// this machine can see while it runs.
    #[arg(long)]
    pub hash_config: Option<PathBuf>,
    /// Firebase: `base64_signer_key`.
    #[arg(long)]
    pub hash_key: Option<String>,
    /// Firebase: `base64_salt_separator`.
    #[arg(long)]
    pub salt_separator: Option<String>,
    /// Firebase: `rounds`.
    #[arg(long)]
    pub rounds: Option<u32>,
    /// Firebase: `mem_cost`.
    #[arg(long)]
    pub mem_cost: Option<u32>,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The file to write, as JSON lines. It must not exist. In a folder that is there it gets a name by stage and time.
    pub file: PathBuf,
    /// Which deployment's accounts.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// Include the password hashes. The file is then always encrypted.
    #[arg(long)]
    pub with_hashes: bool,
    /// An age public key (`age1…`) to encrypt the file to. May be given more than once.
    #[arg(long)]
    pub recipient: Vec<String>,
    /// A file with a passphrase to encrypt the file with, instead.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// Into how many parts the table is cut, to be read at the same time [default: 1 in the embedded store, else 4].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub segments: Option<u16>,
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// The file to write.
    pub file: PathBuf,
    /// How many accounts.
    #[arg(long)]
    pub users: u64,
}

/// Arguments of `seed`.
#[derive(Debug, Args)]
pub struct SeedArguments {
    /// Which deployment gets the people.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// How many there are to be.
    #[arg(long, default_value = "100", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub users: u64,
    /// What they are made of, their passwords too.
    #[arg(long, default_value = "wardgate")]
    pub seed: String,
    /// Also where people are who are of no seed.
    #[arg(long)]
    pub anyway: bool,
}

/// Arguments of `backup-keys`.
#[derive(Debug, Args)]
pub struct BackupKeysArguments {
    /// The file to write. It must not exist.
    pub file: PathBuf,
    /// Which deployment's keys.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// An age public key (`age1…`) to encrypt the file to. May be given more than once.
    #[arg(long, required = true)]
    pub recipient: Vec<String>,
}

/// Arguments of `restore-keys`.
#[derive(Debug, Args)]
pub struct RestoreKeysArguments {
    /// A file of `backup-keys`.
    pub file: PathBuf,
    /// Which deployment gets the keys: the one that they are of.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// A file with the age identity (secret key) that the file is encrypted to.
    #[arg(long)]
    pub identity_file: PathBuf,
    /// A ring that is to be as in the file even if it is not lost. May be given more than once.
    #[arg(long, value_parser = ring)]
    pub overwrite: Vec<RingName>,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArguments {
    /// The copy, without the stage.
    #[arg(long)]
    pub table: String,
    /// Which deployment the copy is of.
    #[arg(long, env = "AUTH__STAGE")]
    pub stage: StageName,
    /// The last migration that is to be applied.
    #[arg(long)]
    pub to: Option<String>,
    /// The most items looked at in a second.
    #[arg(long)]
    pub rate: Option<u32>,
    /// The most capacity units in a second.
    #[arg(long)]
    pub capacity: Option<u32>,
}
