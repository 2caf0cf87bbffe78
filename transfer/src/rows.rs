//! A file's rows, one at a time, however large it is. Each becomes a JSON object.

use std::io::BufRead;
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroize as _;

use crate::formats::{Format, RowError};

/// A row as an object.
pub type Row = Result<Map<String, Value>, RowError>;

/// Why a file cannot be read any further.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is not JSON. The library's message names a place, not the text there.
    #[error("the file is not JSON as {format} writes it, near line {line}")]
    Json {
        /// Which format was expected.
        format: &'static str,
        /// Where.
        line: usize,
    },
    /// It is not CSV.
    #[error("the file is not CSV, near line {0}")]
    Csv(u64),
}

/// Gives every row to `take`, which may stop.
pub fn each(
    mut text: Box<dyn BufRead + Send>,
    format: Format,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), FileError> {
    skip_byte_order_mark(&mut *text)?;
    let first = first_character(&mut *text)?;
    match (first, format) {
        (None, _) => Ok(()),
        (Some(b'['), _) | (Some(b'{'), Format::Cognito | Format::Firebase) => documents(text, format, take),
        (Some(b'{'), _) => lines(text, take),
        (Some(_), _) => csv(text, format, take),
    }
}

fn skip_byte_order_mark(text: &mut dyn BufRead) -> std::io::Result<()> {
    if text.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    Ok(())
}

/// The first character that is no white space; what is before it is consumed.
fn first_character(text: &mut dyn BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let buffer = text.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = buffer.get(blank).copied();
        text.consume(blank);
        if first.is_some() {
            return Ok(first);
        }
    }
}

/// One object a line. A line that is none is a refused row, and the next one is read.
fn lines(mut text: Box<dyn BufRead + Send>, take: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<(), FileError> {
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line)? > 0 {
        if !line.iter().all(u8::is_ascii_whitespace) {
            let row = serde_json::from_slice(&line).map_err(|_| RowError::NotAnObject);
            if take(row).is_break() {
                break;
            }
        }
        line.zeroize();
    }
    Ok(())
}

/// An array of objects, or objects with one at `users`; several documents after each other are pages.
fn documents(
    text: Box<dyn BufRead + Send>,
    format: Format,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut json = serde_json::Deserializer::from_reader(text);
    let mut stopped = false;
    while !stopped {
        match json.end() {
            Ok(()) => break,
            Err(error) if error.is_io() => return Err(error.into_io()),
            Err(_) => {}
        }
        if let Err(error) = (Page { take, stopped: &mut stopped }).deserialize(&mut json)
            && !stopped
        {
            if error.is_io() {
                return Err(error.into_io());
            }
            return Err(FileError::Json { format: format.name(), line: error.line() });
        }
    }
    Ok(())
}

trait IntoIo {
    fn into_io(self) -> FileError;
}

impl IntoIo for serde_json::Error {
    fn into_io(self) -> FileError {
        FileError::Io(self.into())
    }
}

struct Page<'a> {
    take: &'a mut dyn FnMut(Row) -> ControlFlow<()>,
    stopped: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("users")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut users: A) -> Result<(), A::Error> {
        while let Some(user) = users.next_element::<Value>()? {
            let row = match user {
                Value::Object(user) => Ok(user),
                _ => Err(RowError::NotAnObject),
            };
            if (self.take)(row).is_break() {
                *self.stopped = true;
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { take, stopped } = self;
        while let Some(member) = members.next_key::<String>()? {
            if member.eq_ignore_ascii_case("users") {
                members.next_value_seed(Page { take: &mut *take, stopped: &mut *stopped })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A header and rows; Firebase has no header.
fn csv(
    text: Box<dyn BufRead + Send>,
    format: Format,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let columns = format.columns();
    let mut reader = ::csv::ReaderBuilder::new().has_headers(columns.is_none()).flexible(true).from_reader(text);
    let failed = |error: ::csv::Error| {
        let line = error.position().map_or(0, ::csv::Position::line);
        match error.into_kind() {
            ::csv::ErrorKind::Io(cause) => FileError::Io(cause),
            _ => FileError::Csv(line),
        }
    };
    let columns: Vec<String> = match columns {
        Some(columns) => columns.iter().map(|column| (*column).to_owned()).collect(),
        None => reader.headers().map_err(failed)?.iter().map(|column| column.trim().to_owned()).collect(),
    };
    for record in reader.records() {
        let record = record.map_err(failed)?;
        let complete = format.columns().is_some() || record.len() == columns.len();
        let row = if complete {
            let fields = columns.iter().zip(record.iter()).filter(|(_, field)| !field.is_empty());
            Ok(fields.map(|(column, field)| (column.clone(), Value::String(field.to_owned()))).collect())
        } else {
            Err(RowError::Columns)
        };
        if take(row).is_break() {
            break;
        }
    }
    Ok(())
}
