//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use encoding_rs::Encoding;

use crate::formats::Format;

/// An encoding by any of its names.
fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| "no such encoding: try windows-1252 or utf-16le".to_owned())
}

/// Users from other systems into Wardgate, and out of it.
#[derive(Debug, Parser)]
#[command(name = "wardgate-transfer", version)]
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
    /// Write a file of made-up accounts, for measurements.
    #[command(hide = true)]
    Generate(GenerateArguments),
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

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file; it may be encrypted with age.
    pub file: PathBuf,
    /// Which deployment gets the accounts.
    #[arg(long)]
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
    /// The file to write, as JSON lines. It must not exist.
    pub file: PathBuf,
    /// Which deployment's accounts.
    #[arg(long)]
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
