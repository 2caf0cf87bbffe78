//! See the library.

use std::process::ExitCode;

use clap::Parser as _;
use wardgate_transfer::arguments::Arguments;
use wardgate_transfer::progress::say;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match wardgate_transfer::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("wardgate-transfer: {failure}"));
            ExitCode::FAILURE
        }
    }
}
