//! CBOR as authenticators write it, read strictly (MF-11): each value has one spelling here, and none costs more to read
//! than it weighs.

use crate::crypto::webauthn::errors::CborError;

/// Arrays and maps in each other, at most.
pub const MAX_DEPTH: usize = 6;
/// Entries of an array or map, at most.
pub const MAX_ENTRIES: u64 = 64;

/// A value, whose strings stay where they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Zero and above.
    Unsigned(u64),
    /// The negative integer that is this much below -1.
    Negative(u64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// An array.
    Array(Vec<Value<'a>>),
    /// A map, in the order in which it was written.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

impl<'a> Value<'a> {
    /// Reads bytes that are one value.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CborError> {
        let (value, rest) = Self::parse_first(bytes)?;
        if rest.is_empty() { Ok(value) } else { Err(CborError::TrailingBytes) }
    }

    /// Reads the value that bytes begin with, and what follows it.
    pub fn parse_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), CborError> {
        let mut reader = Reader { rest: bytes };
        let value = reader.value(0)?;
        Ok((value, reader.rest))
    }

    /// Appends the value in its one encoding.
    pub fn encode(&self, to: &mut Vec<u8>) {
        match self {
            Self::Unsigned(value) => encode_head(0, *value, to),
            Self::Negative(below) => encode_head(1, *below, to),
            Self::Bytes(bytes) => {
                encode_head(2, bytes.len() as u64, to);
                to.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                encode_head(3, text.len() as u64, to);
                to.extend_from_slice(text.as_bytes());
            }
            Self::Array(values) => {
                encode_head(4, values.len() as u64, to);
                for value in values {
                    value.encode(to);
                }
            }
            Self::Map(entries) => {
                encode_head(5, entries.len() as u64, to);
                for (key, value) in entries {
                    key.encode(to);
                    value.encode(to);
                }
            }
            Self::Bool(value) => to.push(0xf4 | u8::from(*value)),
            Self::Null => to.push(0xf6),
        }
    }

    /// What a map has under this text.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.find(|key| matches!(key, Self::Text(text) if *text == name))
    }

    /// What a map has under this label.
    pub fn labelled(&self, label: i64) -> Option<&Self> {
        self.find(|key| key.integer() == Some(label))
    }

    /// The integer, if it is one that fits.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Unsigned(value) => i64::try_from(*value).ok(),
            Self::Negative(below) => i64::try_from(*below).ok().map(|below| -1 - below),
            _ => None,
        }
    }

    /// The bytes, if it is a string of them.
    pub const fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    fn find(&self, is_wanted: impl Fn(&Self) -> bool) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(key, _)| is_wanted(key)).map(|(_, value)| value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        u64::try_from(value).map_or_else(|_| Self::Negative((-1 - value).unsigned_abs()), Self::Unsigned)
    }
}

fn encode_head(kind: u8, argument: u64, to: &mut Vec<u8>) {
    let bytes = argument.to_be_bytes();
    // How many bytes the number takes behind the initial one, which has the smallest in itself.
    let (information, length) = match argument {
        0..24 => (bytes[7], 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    to.push(kind << 5 | information);
    to.extend_from_slice(bytes.get(8 - length..).unwrap_or_default());
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, CborError> {
        let [first] = self.array()?;
        let (kind, information) = (first >> 5, first & 0x1f);
        if kind == 7 {
            return match information {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                _ => Err(CborError::Unsupported),
            };
        }
        let argument = self.argument(information)?;
        match kind {
            0 => Ok(Value::Unsigned(argument)),
            1 => Ok(Value::Negative(argument)),
            2 => self.take(argument).map(Value::Bytes),
            3 => std::str::from_utf8(self.take(argument)?).map(Value::Text).map_err(|_| CborError::NotUtf8),
            4 => {
                Self::check_room(depth, argument)?;
                (0..argument).map(|_| self.value(depth + 1)).collect::<Result<_, _>>().map(Value::Array)
            }
            5 => {
                Self::check_room(depth, argument)?;
                let mut entries: Vec<(Value<'a>, Value<'a>)> = Vec::new();
                for _ in 0..argument {
                    let key = self.value(depth + 1)?;
                    if entries.iter().any(|(other, _)| *other == key) {
                        return Err(CborError::RepeatedKey);
                    }
                    entries.push((key, self.value(depth + 1)?));
                }
                Ok(Value::Map(entries))
            }
            _ => Err(CborError::Unsupported),
        }
    }

    const fn check_room(depth: usize, entries: u64) -> Result<(), CborError> {
        if depth >= MAX_DEPTH {
            return Err(CborError::TooDeep);
        }
        if entries > MAX_ENTRIES { Err(CborError::TooManyEntries) } else { Ok(()) }
    }

    /// The number behind an initial byte, which has to be in its shortest form.
    fn argument(&mut self, information: u8) -> Result<u64, CborError> {
        let (argument, least) = match information {
            0..=23 => return Ok(u64::from(information)),
            24 => (u64::from(u8::from_be_bytes(self.array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.array()?), 1 << 32),
            31 => return Err(CborError::Indefinite),
            _ => return Err(CborError::Unsupported),
        };
        if argument < least { Err(CborError::NotShortest) } else { Ok(argument) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}
