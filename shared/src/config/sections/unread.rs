//! What a function has no use for.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A section that nothing here reads, so that nothing is linked that would (decision 94). What stands in it is for those to judge
/// who do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(from = "IgnoredAny")]
pub(in crate::config) struct Unread;

impl From<IgnoredAny> for Unread {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}
