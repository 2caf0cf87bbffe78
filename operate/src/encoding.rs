//! What a file's text is encoded in. UTF-8 is checked as it is read, UTF-16 is turned into it, and whatever else a file
//! may be has to be said: a guess would put wrong letters into addresses and names.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The text in UTF-8, without a byte order mark, and what it was encoded in.
pub fn decoded(
    mut raw: Box<dyn BufRead + Send>,
    said: Option<&'static Encoding>,
) -> std::io::Result<(Box<dyn BufRead + Send>, &'static Encoding)> {
    let encoding = match (said, look(raw.fill_buf()?)?) {
        (Some(said), _) => said,
        (None, found) => found,
    };
    let inner: Box<dyn Read + Send> = if encoding == UTF_8 {
        if raw.fill_buf()?.starts_with(MARK) {
            raw.consume(MARK.len());
        }
        Box::new(raw)
    } else {
        Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).strip_bom(true).build(raw))
    };
    let checked = Checked { inner, encoding, ready: Vec::new(), given: 0, rest: Vec::new(), line: 1 };
    Ok((Box::new(BufReader::with_capacity(BUFFER, checked)), encoding))
}

const BUFFER: usize = 64 * 1024;
/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// What a decoder writes for bytes that mean nothing.
const REPLACEMENT: &str = "\u{fffd}";

/// What the first bytes say. JSON and CSV begin with characters of ASCII, so UTF-16 shows without a mark.
fn look(first: &[u8]) -> std::io::Result<&'static Encoding> {
    match first {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [_, 0, 0, 0, ..] | [0, 0, 0, _, ..] => {
            Err(Error::new(ErrorKind::InvalidData, "it is UTF-32: convert it, iconv -f UTF-32 -t UTF-8 FILE"))
        }
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => Ok(UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => Ok(UTF_16BE),
        _ => Ok(UTF_8),
    }
}

/// Fails at the first bytes that are no text, instead of leaving marks in their place.
struct Checked {
    inner: Box<dyn Read + Send>,
    encoding: &'static Encoding,
    /// What is text, and how much of it was given.
    ready: Vec<u8>,
    given: usize,
    /// The beginning of a character whose end was not read yet.
    rest: Vec<u8>,
    line: u64,
}

impl Checked {
    fn refused(&self) -> Error {
        let (line, name) = (self.line, self.encoding.name());
        Error::new(
            ErrorKind::InvalidData,
            if self.encoding == UTF_8 {
                format!(
                    "it is not UTF-8, by line {line}. It may be Windows-1252 or Latin-1, as spreadsheets write them. \
                     Convert it, iconv -f WINDOWS-1252 -t UTF-8 FILE, or say so: --encoding windows-1252 (ENCODING=)"
                )
            } else {
                format!("it is not {name}, by line {line}")
            },
        )
    }

    /// Whether all but the beginning of one character at the end is text: how much that is.
    fn text(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (text, length) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, bytes.len()),
            Err(error) if error.error_len().is_none() => {
                let (text, _) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(text).unwrap_or_default(), text.len())
            }
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                self.line += lines(before);
                return Err(self.refused());
            }
        };
        if self.encoding != UTF_8
            && let Some(at) = text.find(REPLACEMENT)
        {
            self.line += lines(bytes.get(..at).unwrap_or_default());
            return Err(self.refused());
        }
        self.line += lines(text.as_bytes());
        Ok(length)
    }
}

fn lines(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').skip(1).map(|_| 1).sum()
}

impl Checked {
    /// Reads and checks the next piece, however small what is asked for may be.
    fn fill(&mut self) -> std::io::Result<()> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            let filled = bytes.len();
            bytes.resize(filled + BUFFER, 0);
            let read = self.inner.read(bytes.get_mut(filled..).unwrap_or_default())?;
            bytes.truncate(filled + read);
            let length = self.text(&bytes)?;
            if read == 0 && length < bytes.len() {
                return Err(self.refused());
            }
            if length > 0 || read == 0 {
                self.rest = bytes.split_off(length);
                (self.ready, self.given) = (bytes, 0);
                return Ok(());
            }
        }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.given == self.ready.len() {
            self.fill()?;
        }
        let read = self.ready.get(self.given..).unwrap_or_default().read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, as a slow pipe may.
    struct Slow(Vec<u8>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() || buffer.is_empty() {
                return Ok(0);
            }
            buffer[0] = self.0.remove(0);
            Ok(1)
        }
    }

    fn read(bytes: &[u8], said: Option<&'static Encoding>) -> std::io::Result<String> {
        let raw = BufReader::with_capacity(64, std::io::Cursor::new(bytes.to_vec()));
        let mut text = String::new();
        decoded(Box::new(raw), said)?.0.read_to_string(&mut text)?;
        Ok(text)
    }

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn utf_8_and_utf_16_are_read_with_a_mark_and_without() {
        let text = "email,name\nä@example.com,\u{1f980} Ünïcode €\n".repeat(500);
        assert_eq!(read(text.as_bytes(), None).unwrap(), text);
        assert_eq!(read(format!("\u{feff}{text}").as_bytes(), None).unwrap(), text);
        for big in [false, true] {
            for mark in [false, true] {
                assert_eq!(read(&utf16(&text, big, mark), None).unwrap(), text, "{big} {mark}");
            }
        }
        assert_eq!(read(b"", None).unwrap(), "");
        assert_eq!(read(b"a", None).unwrap(), "a");
    }

    #[test]
    fn a_character_in_pieces_is_one() {
        let raw = BufReader::with_capacity(8, Slow("é€🦀".repeat(50).into_bytes()));
        let mut text = String::new();
        decoded(Box::new(raw), None).unwrap().0.read_to_string(&mut text).unwrap();
        assert_eq!(text, "é€🦀".repeat(50));
    }

    #[test]
    fn other_encodings_are_refused_with_their_line_unless_they_are_said() {
        let refused = read(b"email,name\na@example.com,ok\nb@example.com,Ren\xe9\n", None).unwrap_err().to_string();
        assert!(refused.contains("line 3") && refused.contains("iconv -f WINDOWS-1252"), "{refused}");
        let refused = read(b"cut\xe2\x82", None).unwrap_err().to_string();
        assert!(refused.contains("not UTF-8, by line 1"), "{refused}");
        let windows = Encoding::for_label(b"windows-1252");
        assert_eq!(read(b"Ren\xe9 \x80", windows).unwrap(), "René €");
        let unpaired = [0xff, 0xfe, b'a', 0, 0x00, 0xd8, b'b', 0];
        assert!(read(&unpaired, None).unwrap_err().to_string().contains("not UTF-16LE"));
        assert!(read(b"a\0\0\0b\0\0\0", None).unwrap_err().to_string().contains("UTF-32"));
    }
}
