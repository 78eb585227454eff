//! Data that show an incompatibility, for people.

use std::fmt::Write as _;

use muster_serdes::client::Witness;

/// What is known of one: the datum as JSON text, a JSON pointer into it and the rule that is broken there; or why there
/// is none.
pub type Shown<'a> = Result<(&'a str, &'a str, &'a str), &'a str>;

/// What a registry tells.
pub fn of(witness: &Witness) -> Shown<'_> {
    match (&witness.datum, &witness.path, &witness.reason) {
        (Some(datum), Some(path), Some(reason)) => Ok((datum, path, reason)),
        _ => Err(witness.no_witness.as_deref().unwrap_or("the registry gives no reason")),
    }
}

/// Appends lines that explain the line before.
pub fn describe(text: &mut String, shown: Shown<'_>) {
    // Writing to a string cannot fail.
    let _ = match shown {
        Ok((datum, "", reason)) => write!(text, "\n    {datum}\n    {reason}"),
        Ok((datum, path, reason)) => write!(text, "\n    {datum}\n    at {path} {reason}"),
        Err(reason) => write!(text, "\n    no datum shows it: {reason}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_what_they_explain() {
        let cases: [(Shown<'_>, &str); 3] = [
            (Ok(("0", "", "why")), "it\n    0\n    why"),
            (Ok((r#"{"a":0}"#, "/a", "why")), "it\n    {\"a\":0}\n    at /a why"),
            (Err("no data"), "it\n    no datum shows it: no data"),
        ];
        for (shown, expected) in cases {
            let mut text = "it".to_owned();
            describe(&mut text, shown);
            assert_eq!(text, expected);
        }
    }
}
