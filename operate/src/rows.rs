//! A file's rows, one at a time, however large it is. Each becomes a JSON object.

use std::io::{BufRead, Read as _};
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
    /// Nobody knows which of them holds.
    #[error("the header names a column twice: {0}")]
    Column(String),
}

/// Gives every row to `take`, which may stop.
pub fn each(
    mut text: Box<dyn BufRead + Send>,
    format: Format,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let first = first_character(&mut *text)?;
    match (first, format) {
        (None, _) => Ok(()),
        (Some(b'['), _) | (Some(b'{'), Format::Cognito | Format::Firebase) => documents(text, format, take),
        (Some(b'{'), _) => lines(text, take),
        (Some(_), _) => csv(text, format, take),
    }
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

/// The longest header that is looked at.
const HEADER: u64 = 1024 * 1024;

/// A header and rows, with commas, semicolons or tabs between fields; Firebase has no header.
fn csv(
    mut text: Box<dyn BufRead + Send>,
    format: Format,
    take: &mut dyn FnMut(Row) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut first = Vec::new();
    (&mut *text).take(HEADER).read_until(b'\n', &mut first)?;
    let (delimiter, said) = delimiter(&first);
    if said {
        first.clear();
        (&mut *text).take(HEADER).read_until(b'\n', &mut first)?;
    }
    // A list of the Admin SDK's users has a header, as anybody's CSV has.
    let mut header = first.split(|byte| *byte == delimiter || *byte == b'\r' || *byte == b'\n');
    let has_header = header.any(|column| matches!(column.trim_ascii(), b"email" | b"\"email\""));
    let columns = format.columns().filter(|_| !has_header);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(columns.is_none())
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(std::io::Cursor::new(first).chain(text));
    let failed = |error: ::csv::Error| {
        let line = error.position().map_or(0, ::csv::Position::line);
        match error.into_kind() {
            ::csv::ErrorKind::Io(cause) => FileError::Io(cause),
            _ => FileError::Csv(line),
        }
    };
    let mut width = None;
    let columns: Vec<String> = if let Some(columns) = columns {
        columns.iter().map(|column| (*column).to_owned()).collect()
    } else {
        let header = reader.headers().map_err(failed)?;
        width = Some(header.len());
        header.iter().map(|column| column.trim().to_owned()).collect()
    };
    for (index, column) in columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
        if columns.iter().take(index).any(|other| other == column) {
            return Err(FileError::Column(column.chars().filter(|c| !c.is_control()).take(40).collect()));
        }
    }
    for record in reader.records() {
        let record = record.map_err(failed)?;
        // Without a header every row is as wide as the first one.
        let row = if *width.get_or_insert(record.len()) == record.len() {
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

/// What stands between the fields of a first line, and whether the line does nothing but say so, as spreadsheets write
/// it: `sep=;`.
fn delimiter(line: &[u8]) -> (u8, bool) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if let [b's', b'e', b'p', b'=', delimiter] = line {
        return (*delimiter, true);
    }
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in line.iter().take_while(|byte| **byte != b'\r') {
        quoted ^= *byte == b'"';
        for (_, count) in counts.iter_mut().filter(|(delimiter, _)| !quoted && delimiter == byte) {
            *count += 1;
        }
    }
    // Of equally many, the first.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or((b',', false), |(delimiter, _)| (delimiter, false))
}
