//! Drives one target with libFuzzer: `WARDGATE_FUZZ_TARGET=email fuzz [libFuzzer's options] [corpus folders]`.
//!
//! One binary for all of them, because linking is most of what building a target costs.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wardgate_fuzz::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(chosen);

#[expect(clippy::disallowed_methods, reason = "libFuzzer has the arguments to itself")]
#[expect(clippy::panic, reason = "there is no caller to hand an error to")]
fn chosen() -> Target {
    let name = std::env::var("WARDGATE_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.into_iter().find(|(target, _)| *target == name);
    found.map_or_else(|| panic!("WARDGATE_FUZZ_TARGET is {name:?}, which is no target"), |(_, target)| target)
}

fuzz_target!(|data: &[u8]| TARGET(data));
