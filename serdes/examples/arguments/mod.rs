//! The four flags that the examples share.

/// What an example was asked to do.
pub struct Arguments {
    /// Kafka brokers, or a gateway in front of them.
    pub bootstrap: String,
    /// Registry URLs.
    pub registry: String,
    /// The topic.
    pub topic: String,
    /// How many records.
    pub count: usize,
}

impl Arguments {
    /// Reads `--name value` pairs; `None` after printing help.
    pub fn parse(program: &str) -> Result<Option<Self>, Box<dyn std::error::Error>> {
        let mut parsed = Self {
            bootstrap: "127.0.0.1:9192".to_owned(),
            registry: "http://127.0.0.1:8081".to_owned(),
            topic: "orders".to_owned(),
            count: 10_000,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            if matches!(flag.as_str(), "--help" | "-h") {
                println!(
                    "{program} [--bootstrap {}] [--registry {}] [--topic {}] [--count {}]",
                    parsed.bootstrap, parsed.registry, parsed.topic, parsed.count
                );
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--bootstrap" => parsed.bootstrap = value,
                "--registry" => parsed.registry = value,
                "--topic" => parsed.topic = value,
                "--count" => {
                    parsed.count = value.parse().map_err(|_| format!("--count {value} is no number"))?
                }
                _ => return Err(format!("unknown flag {flag}; see --help").into()),
            }
        }
        Ok(Some(parsed))
    }
}

/// Prints an error with its causes on one line.
pub fn print_chain(what: &str, error: &dyn std::error::Error) {
    let mut line = format!("{what}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    eprintln!("{line}");
}
