//! Numbers and strings next to every bound.

use serde_json::{Number, Value};

use super::facts::Facts;
use crate::json::model::{Bound, NumberNode};
use crate::json::witness::pattern;

/// Most numbers of one pair, and most strings.
const MOST: usize = 250;
/// Longest string.
const LONGEST: usize = 20_000;

/// Numbers around the bounds of both sides.
pub(super) fn numbers(facts: &Facts<'_>, hints: &Facts<'_>) -> Vec<Value> {
    const PLAIN: [f64; 9] = [0.0, 1.0, -1.0, 0.5, 2.0, 1.5, 100.0, 1e6, -1e6];
    let of_node = |number: &&NumberNode| {
        let bounds = [&number.minimum, &number.maximum, &number.exclusive_minimum, &number.exclusive_maximum];
        bounds.map(|bound| bound.as_ref().map(|bound| bound.value)).into_iter().flatten().collect::<Vec<_>>()
    };
    let all = || facts.numbers.iter().chain(&hints.numbers);
    let mut marks: Vec<f64> = all().flat_map(of_node).filter(|value| value.is_finite()).collect();
    marks.extend(hints.choices.iter().filter_map(Value::as_f64));
    marks.truncate(40);
    let steps = all().filter_map(|number| number.multiple_of.as_ref()).map(|Bound { value, .. }| value.abs());
    let steps: Vec<f64> = steps.filter(|step| step.is_normal()).take(10).collect();

    let mut values = Vec::new();
    let distances = [0.0, 1.0, -1.0, 0.5, -0.5, 0.01, -0.01];
    for mark in &marks {
        values.extend(distances.iter().map(|distance| mark + distance));
    }
    for step in &steps {
        for times in 1..=6 {
            values.push(step * f64::from(times));
        }
        for mark in &marks {
            let times = (mark / step).floor();
            values.extend([-1.0, 0.0, 1.0, 2.0].iter().map(|more| (times + more) * step));
        }
        for other in &steps {
            values.extend([step + other, step * other, step / 2.0]);
        }
    }
    values.extend(PLAIN);
    // Where one pair of bounds leaves little room.
    for window in marks.windows(2) {
        if let [a, b] = window {
            values.push((a + b) / 2.0);
        }
    }
    values.truncate(MOST);
    values.into_iter().filter_map(number).collect()
}

/// A number as people write it: `0.3`, not `0.30000000000000004`.
fn number(value: f64) -> Option<Value> {
    const EXACT: f64 = 9e15;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return format!("{value:.0}").parse::<i64>().ok().map(Value::from);
    }
    let rounded: f64 = format!("{value:.10}").parse().ok()?;
    let value = if rounded == 0.0 { value } else { rounded };
    Number::from_f64(value).map(Value::Number)
}

/// Strings around the lengths and patterns of both sides.
pub(super) fn strings(facts: &Facts<'_>, hints: &Facts<'_>) -> Vec<Value> {
    const PLAIN: [&str; 10] = ["", "a", "A", "1", "abc", "a b", "é", "-1", "2020-01-01", "~"];
    let all = || facts.strings.iter().chain(&hints.strings);
    let bounds = all().flat_map(|string| [string.min_length, string.max_length]).flatten();
    let mut lengths: Vec<usize> = Vec::new();
    for bound in bounds.filter_map(|bound| usize::try_from(bound).ok()).take(40) {
        lengths.extend([bound.saturating_sub(1), bound, bound.saturating_add(1)]);
    }
    lengths.retain(|length| *length <= LONGEST);
    lengths.sort_unstable();
    lengths.dedup();

    let mut texts: Vec<String> = Vec::new();
    let own = facts.strings.iter().filter_map(|string| string.pattern.as_deref());
    let own: Vec<String> = own.take(10).flat_map(pattern::texts).collect();
    for text in &own {
        texts.push(text.clone());
        // As long as is asked for, in the hope that the end may be repeated.
        if let Some(last) = text.chars().last() {
            let have = text.chars().count();
            let longer = lengths.iter().filter(|length| **length > have).take(10);
            texts.extend(longer.map(|length| format!("{text}{}", last.to_string().repeat(length - have))));
        }
    }
    texts.extend(PLAIN.iter().map(|text| (*text).to_owned()));
    texts.extend(lengths.iter().map(|length| "a".repeat(*length)));
    let theirs = hints.strings.iter().filter_map(|string| string.pattern.as_deref());
    texts.extend(theirs.take(10).flat_map(pattern::texts));
    for choice in hints.choices.iter().filter_map(Value::as_str).take(20) {
        texts.extend([choice.to_owned(), format!("{choice}a")]);
    }
    let mut seen = std::collections::HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts.truncate(MOST);
    texts.into_iter().map(Value::String).collect()
}
