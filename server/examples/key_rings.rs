//! Prints new key rings as one JSON object, a member for each: what the first rotation puts into Secrets Manager on AWS,
//! for an emulator of it.

use wardgate::clock::{Clock as _, SystemClock};
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::{DevError, keys};

#[expect(clippy::print_stdout, reason = "the rings are what this is for")]
fn main() -> Result<(), DevError> {
    println!("{}", keys::document(SystemClock.now(), &SystemEntropy)?);
    Ok(())
}
