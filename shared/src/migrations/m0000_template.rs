//! What it changes, and why the data needs it.
//!
//! Expand or contract: whether code that does not know it can read what it leaves, and what taking it back restores.

use crate::migrations::{Course, Definition, Judging, Migration, Verdict};
use crate::store::edits::{Edit, Item};
use crate::store::migrations::Selection;

const DEFINITION: Definition = Definition {
    number: "0000",
    name: "template",
    timestamp: "00000000000000",
    contract: false,
    repeats: false,
    source: include_str!("m0000_template.rs"),
};

/// See above.
pub(super) struct Template;

impl Migration for Template {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    /// Which items are handed to `up` and `down`, by the beginnings of their keys.
    fn selection(&self) -> Selection {
        Selection { partition: "USER#", sorts: &["PROFILE"] }
    }

    /// An item that already is as it should be stays: each may be judged many times.
    fn up<'a>(&'a self, _course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move {
            if !item.contains_key("an_attribute_that_is_to_go") {
                return Ok(Verdict::stays("without it"));
            }
            // Each attribute that the verdict comes from is `given`: whoever changes it meanwhile is not overwritten.
            let edit = Edit::of(item)
                .map(|edit| edit.remove("an_attribute_that_is_to_go").given(item, "an_attribute_that_is_to_go"));
            Ok(Verdict::changes(edit, "without it"))
        })
    }

    /// Restores what `up` found, to the byte. What it takes away has to be kept somewhere to be put back.
    fn down<'a>(&'a self, _course: &'a Course<'a>, _item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async move { Ok(Verdict::stays("as it was")) })
    }
}
