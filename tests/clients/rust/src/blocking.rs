//! The blocking form.

use crate::scenario::{call, made, scenario};

macro_rules! now {
    ($call:expr) => {
        $call
    };
}
macro_rules! by_reference {
    ($strategy:ident) => {
        &$strategy
    };
}

scenario!(blocking, now, by_reference, reqwest::blocking::ClientBuilder::new());

/// Everything.
pub fn all(report: &mut Report, url: &str) {
    let Some(settings) = common(report, url) else { return };
    // What only this form has.
    let encoder = json::JsonEncoder::new(settings);
    let valid = json!({"id": 7});
    let strategy = topic("json", values::json());
    call!(report, blocking, now, "json::JsonEncoder::validate", encoder.validate(&valid, &strategy));
}
