//! How much memory a container may have, as control groups say it.

use std::fs;
use std::path::Path;

/// In version 2 and in version 1, as a container sees its own.
const FILES: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/// Version 1 says "none" by a number near the largest; no machine has an exbibyte.
const NONE: f64 = 1_152_921_504_606_846_976.0;

/// In bytes; nothing where nobody set a limit.
pub(crate) fn memory_limit() -> Option<f64> {
    FILES.iter().find_map(|file| read(Path::new(file)))
}

fn read(file: &Path) -> Option<f64> {
    // "max" is no number: no limit.
    let bytes: f64 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    (bytes > 0.0 && bytes < NONE).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_of_bytes_that_a_machine_may_have() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, expected) in
            [("268435456\n", Some(268_435_456.0)), ("max\n", None), ("9223372036854771712\n", None), ("0\n", None)]
        {
            fs::write(file.path(), text).unwrap();
            assert_eq!(read(file.path()), expected, "{text}");
        }
        assert_eq!(read(Path::new("/nonexistent")), None);
    }
}
