//! What every driver of a client hands back: which functions there are, which were not called, and what was wrong.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};

use serde_json::json;

pub struct Report {
    client: &'static str,
    functions: BTreeSet<String>,
    called: BTreeSet<String>,
    checks: usize,
    failures: Vec<String>,
}

impl Report {
    pub fn new(client: &'static str, functions: &[&str]) -> Self {
        let functions = functions.iter().map(|name| (*name).to_owned()).collect();
        Self { client, functions, called: BTreeSet::new(), checks: 0, failures: Vec::new() }
    }

    /// Writes down that a function was called. One that the client does not have is a mistake here.
    pub fn called(&mut self, name: &str) {
        if !self.functions.contains(name) {
            self.failures.push(format!("the client has no {name}"));
        }
        self.called.insert(name.to_owned());
    }

    pub fn equal<T: PartialEq + Debug>(&mut self, what: &str, got: T, wanted: T) {
        self.checks += 1;
        if got != wanted {
            self.failures.push(format!("{what}: got {got:?}, wanted {wanted:?}"));
        }
    }

    /// The value, or a failure and `None`.
    pub fn value<T, E: Display + Debug>(&mut self, what: &str, result: Result<T, E>) -> Option<T> {
        self.checks += 1;
        result.map_err(|error| self.failures.push(format!("{what}: {error:?}"))).ok()
    }

    /// The result must be an error that speaks of this error code.
    pub fn refused<T: Debug, E: Debug>(&mut self, what: &str, code: u32, result: Result<T, E>) {
        self.checks += 1;
        let said = format!("{result:?}");
        if result.is_ok() || !said.contains(&code.to_string()) {
            self.failures.push(format!("{what}: got {said}, wanted error {code}"));
        }
    }

    pub fn line(&self) -> String {
        let uncalled: Vec<&String> = self.functions.difference(&self.called).collect();
        json!({"client": self.client, "methods": self.functions, "uncalled": uncalled, "checks": self.checks,
            "failures": self.failures})
        .to_string()
    }
}
