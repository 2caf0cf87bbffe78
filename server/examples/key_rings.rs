//! Prints new key rings as one JSON object, a member for each: what an operator put into Secrets Manager before there was
//! a function that makes keys. The test of an upgrade begins there.

use wardgate::clock::{Clock as _, SystemClock};
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::{DevError, keys};

#[expect(clippy::print_stdout, reason = "the rings are what this is for")]
fn main() -> Result<(), DevError> {
    println!("{}", keys::document(SystemClock.now(), &SystemEntropy)?);
    Ok(())
}
