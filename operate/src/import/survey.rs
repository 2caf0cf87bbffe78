//! What a file is found to be before anything is written.

use std::collections::HashMap;
use std::ops::ControlFlow;

use wardgate::clock::{Clock as _, SystemClock};

use super::account::check;
use super::repeats::Index;
use super::write::Refusal;
use crate::Failure;
use crate::arguments::ImportArguments;
use crate::formats::{Reading, project};
use crate::input;
use crate::progress::say;
use crate::rows;

/// What was found out before anything is written.
pub(super) struct Survey {
    pub(super) reading: Reading,
    pub(super) file: String,
    pub(super) length: u64,
    /// Rows that are refused for another one.
    pub(super) repeated: HashMap<u64, u64>,
}

/// Reads the whole file once: whether it can be read to its end, and which rows repeat others. It costs seconds, and
/// sixteen bytes a row.
pub(super) async fn survey(arguments: &ImportArguments) -> Result<Survey, Failure> {
    let (file, length) = input::fingerprint(&arguments.file)?;
    let now = SystemClock.now();
    let reading = Reading { format: arguments.format, project: project(&arguments.firebase)?, now };
    let input = input::open(&arguments.file, length, &arguments.decryption, arguments.encoding)?;
    if input.encoding != encoding_rs::UTF_8 {
        say(&format!("The file is read as {}.", input.encoding.name()));
    }
    let checking = reading.clone();
    let read = tokio::task::spawn_blocking(move || {
        let (mut index, mut row) = (Index::default(), 0);
        rows::each(input.text, checking.format, &mut |object| {
            row += 1;
            if let Ok(checked) = object.map_err(Refusal::from).and_then(|object| check(&checking, &object)) {
                index.add(row, checked.rank(), &checked.unique());
            }
            ControlFlow::Continue(())
        })
        .map(|()| index.repeated())
    });
    Ok(Survey { reading, file, length, repeated: read.await?? })
}
