//! Counting what a validation costs.

use std::cell::Cell;

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
