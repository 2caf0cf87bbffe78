//! What changes about an item, for people.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// The difference between what there is and what is to be; `None` where there is none.
pub(super) fn difference<T: Serialize>(name: &str, old: Option<&T>, new: &T) -> Option<String> {
    let members = |item: &T| match serde_json::to_value(item) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (old.map(members), members(new));
    let mut text = format!("{name}: {}", if before.is_some() { "changed" } else { "added" });
    let mut is_changed = before.is_none();
    for (member, value) in after.iter().filter(|(member, _)| !["version", "secrets"].contains(&member.as_str())) {
        // Writing to a String cannot fail.
        match before.as_ref().map(|before| before.get(member)) {
            Some(Some(was)) if was == value => {}
            Some(was) => {
                is_changed = true;
                let was = was.cloned().unwrap_or_default();
                let _ = write!(text, "\n  {member}: {was} -> {value}");
            }
            None => drop(write!(text, "\n  {member}: {value}")),
        }
    }
    is_changed.then_some(text)
}
