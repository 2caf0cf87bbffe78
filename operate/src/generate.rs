//! A file of made-up accounts.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use crate::Failure;
use crate::arguments::GenerateArguments;

/// Everybody's password hash: bcrypt of "a", published with jBCrypt.
const HASH: &str = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";

/// Writes the file.
pub fn run(arguments: &GenerateArguments) -> Result<(), Failure> {
    let mut file = BufWriter::new(File::create(&arguments.file)?);
    for number in 1..=arguments.users {
        writeln!(
            file,
            r#"{{"id":"{number}","email":"user{number}@example.com","email_verified":true,"name":"User {number}","password_hash":"{HASH}","created_at":"2024-01-01T00:00:00Z"}}"#
        )?;
    }
    Ok(file.flush()?)
}
