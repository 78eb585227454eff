//! Counting what a validation costs, by a keyword that stands before every node.
//!
//! Once the steps are used up the keyword refuses every value. Each node then ends at once, so that whatever is still
//! open ends after as many more steps as it has branches.

use std::cell::Cell;

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::cost::Price;

/// The keyword.
pub(super) const KEYWORD: &str = "x-muster-steps";

thread_local! {
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs `work` with so many steps. Returns its answer, and how many steps it took unless they were used up; then the
/// answer says nothing.
pub(super) fn counted<T>(steps: u64, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    let outer = LEFT.replace(Some(steps));
    let answer = work();
    let left = LEFT.replace(outer);
    (answer, left.map(|left| steps.saturating_sub(left)))
}

/// Compiles the keyword; its value is what one visit costs.
pub(super) fn keyword<'a>(
    _: &'a Map<String, Value>,
    value: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Steps(Price::of_value(value))))
}

/// Takes so many steps. False if they are used up, or are not being counted.
pub(super) fn take(steps: u64) -> bool {
    let left = LEFT.get().and_then(|left| left.checked_sub(steps));
    LEFT.set(left);
    left.is_some()
}

/// Leaves no steps.
pub(super) fn use_up() {
    LEFT.set(None);
}

/// Whether no steps are left.
pub(super) fn are_used_up() -> bool {
    LEFT.get().is_none()
}

struct Steps(Price);

impl<'i> Keyword<'i> for Steps {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("too many steps")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        take(self.0.of(instance))
    }
}
