//! See the library.

use std::process::ExitCode;

use clap::Parser as _;
use wardgate_operate::arguments::Arguments;
use wardgate_operate::progress::say;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match wardgate_operate::run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("wardgate-operate: {failure}"));
            ExitCode::FAILURE
        }
    }
}
