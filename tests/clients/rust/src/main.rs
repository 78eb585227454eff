//! Every public function of `schema_registry_converter` against one registry, asynchronous and blocking, with values of
//! all three formats encoded and decoded again.
//!
//! `muster-clients-rust all URL`

mod asynchronous;
mod blocking;
mod report;
mod scenario;
mod values;

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, command, url] = arguments.as_slice() else { panic!("wants a command and a URL") };
    assert_eq!(command, "all", "the only command");
    let mut report = report::Report::new("schema_registry_converter 6.0.0", &FUNCTIONS);
    asynchronous::all(&mut report, url);
    blocking::all(&mut report, url);
    println!("{}", report.line());
}
