//! The file that an import reads.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::Encoding;
use ring::digest::{Context, SHA256};
use wardgate::domain::hex;

use crate::Failure;
use crate::arguments::DecryptionArguments;
use crate::encoding::decoded;
use crate::encryption::{MAGIC, decrypt};

const BUFFER: usize = 256 * 1024;

/// The input, and how much of it was read.
pub struct Input {
    /// The plain text.
    pub text: Box<dyn BufRead + Send>,
    /// How many bytes of the file were read.
    pub read: Arc<AtomicU64>,
    /// How many it has.
    pub length: u64,
    /// What the text was encoded in.
    pub encoding: &'static Encoding,
}

/// What identifies a file's content, and its length.
pub fn fingerprint(path: &Path) -> Result<(String, u64), Failure> {
    let mut file = File::open(path).map_err(|cause| format!("cannot read {}: {cause}", path.display()))?;
    let (mut hash, mut buffer, mut length) = (Context::new(&SHA256), vec![0; BUFFER], 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        length += u64::try_from(read)?;
    }
    let digest = hash.finish();
    Ok((hex(digest.as_ref().get(..16).unwrap_or_default()), length))
}

/// Opens a file, encrypted or not, in whatever its text is encoded in; `said` is what its owner says that is.
pub fn open(
    path: &Path,
    length: u64,
    decryption: &DecryptionArguments,
    said: Option<&'static Encoding>,
) -> Result<Input, Failure> {
    let read = Arc::new(AtomicU64::new(0));
    let mut file = BufReader::with_capacity(BUFFER, Counted { inner: File::open(path)?, read: Arc::clone(&read) });
    let encrypted = file.fill_buf()?.starts_with(MAGIC);
    let raw: Box<dyn BufRead + Send> =
        if encrypted { Box::new(BufReader::with_capacity(BUFFER, decrypt(file, decryption)?)) } else { Box::new(file) };
    let (text, encoding) = decoded(raw, said).map_err(|cause| format!("cannot read {}: {cause}", path.display()))?;
    Ok(Input { text, read, length, encoding })
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
        Ok(count)
    }
}
