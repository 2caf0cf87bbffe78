//! age, both ways: to public keys or with a passphrase.

use std::fs;
use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::str::FromStr as _;

use age::secrecy::SecretString;
use age::{Decryptor, Encryptor, IdentityFile, scrypt, x25519};
use zeroize::Zeroizing;

use crate::Failure;
use crate::arguments::DecryptionArguments;

/// What every encrypted file begins with.
pub const MAGIC: &[u8] = b"age-encryption.org/";

/// The first line of a file.
fn passphrase(file: &Path) -> Result<SecretString, Failure> {
    let unreadable = |cause| format!("cannot read the passphrase in {}: {cause}", file.display());
    let text = Zeroizing::new(fs::read_to_string(file).map_err(unreadable)?);
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line.to_owned())),
        _ => Err(format!("the passphrase in {} is empty", file.display()).into()),
    }
}

/// How a file is to be encrypted; `None` where nothing was said about it.
pub fn encryptor(recipients: &[String], passphrase_file: Option<&Path>) -> Result<Option<Encryptor>, Failure> {
    match (recipients, passphrase_file) {
        ([], None) => Ok(None),
        ([], Some(file)) => Ok(Some(Encryptor::with_user_passphrase(passphrase(file)?))),
        (_, Some(_)) => Err("choose: public keys or a passphrase".into()),
        (recipients, None) => {
            let parsed = recipients.iter().map(|text| {
                x25519::Recipient::from_str(text).map_err(|cause| format!("{text} is no age public key: {cause}"))
            });
            let parsed: Vec<x25519::Recipient> = parsed.collect::<Result<_, _>>()?;
            Ok(Some(Encryptor::with_recipients(parsed.iter().map(|recipient| recipient as &dyn age::Recipient))?))
        }
    }
}

/// The plain text of an encrypted file.
pub fn decrypt<R: BufRead + Send + 'static>(
    input: R,
    arguments: &DecryptionArguments,
) -> Result<impl Read + Send + use<R>, Failure> {
    let decryptor = Decryptor::new_buffered(input)?;
    let identities: Vec<Box<dyn age::Identity>> = match (&arguments.identity_file, &arguments.passphrase_file) {
        (Some(file), None) => {
            let unreadable = |cause| format!("cannot read the identity in {}: {cause}", file.display());
            let identities = IdentityFile::from_file(file.to_string_lossy().into_owned()).map_err(unreadable)?;
            identities.into_identities()?.into_iter().map(|identity| identity as Box<dyn age::Identity>).collect()
        }
        (None, Some(file)) => vec![Box::new(scrypt::Identity::new(passphrase(file)?))],
        _ => return Err("the file is encrypted: give --identity-file or --passphrase-file".into()),
    };
    Ok(decryptor.decrypt(identities.iter().map(|identity| &**identity))?)
}

/// A file that may be encrypted.
pub enum Output<W: Write> {
    /// As it is.
    Plain(W),
    /// Encrypted.
    Encrypted(Box<age::stream::StreamWriter<W>>),
}

impl<W: Write> Output<W> {
    /// Begins to write.
    pub fn new(writer: W, encryptor: Option<Encryptor>) -> std::io::Result<Self> {
        Ok(match encryptor {
            Some(encryptor) => Self::Encrypted(Box::new(encryptor.wrap_output(writer)?)),
            None => Self::Plain(writer),
        })
    }

    /// Writes the end. Without it, a reader of an encrypted file finds it cut off.
    pub fn finish(self) -> std::io::Result<W> {
        match self {
            Self::Plain(writer) => Ok(writer),
            Self::Encrypted(stream) => stream.finish(),
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Encrypted(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}
