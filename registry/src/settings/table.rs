//! Each setting of the reference and what becomes of it.

use std::str::FromStr;
use std::time::Duration;

use muster_schema::compatibility::CompatibilityPolicy;

use super::{Reason, Settings};

const TLS: &str = "put a proxy in front that speaks TLS";
const AUTHENTICATION: &str = "put a proxy in front that authenticates";
const NO_TLS: &str = "no listener speaks TLS";
const NO_AUTHENTICATION: &str = "nobody is asked to authenticate";
const OWN_STORE: &str = "schemas are kept in the registry's own store rather than in a Kafka topic";
const ONE_NODE: &str = "a registry is one process and elects nobody";
const OWN_CACHES: &str = "caches are bounded by their memory";

/// The pairs in the order in which they are applied: a deprecated name that wins comes after the name that it wins
/// over, and a size that counts for nothing is left out.
pub(super) fn in_order(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort_by_key(|(name, _)| name == "avro.compatibility.level" || name == "size.limit.filter.enabled");
    if !pairs.iter().any(|(name, value)| name == "size.limit.filter.enabled" && is_true(value)) {
        pairs.retain(|(name, _)| name != "size.limit.filter.max.request.body.size");
    }
    pairs
}

/// What some settings make of others.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// Protocols of listeners that have names of their own, by lower-case name.
    protocols: Vec<(String, String)>,
    /// Whether a listener speaks TLS.
    encrypts: bool,
    /// Whether clients have to say who they are.
    authenticates: bool,
}

impl Around {
    /// From all pairs.
    pub(super) fn of(pairs: &[(String, String)]) -> Self {
        let value =
            |name: &str| pairs.iter().rev().find(|(key, _)| key == name).map_or("", |(_, v)| v.trim());
        let mapped = list(&value("listener.protocol.map").to_ascii_lowercase()).into_iter();
        let protocols = mapped.filter_map(|entry| {
            let (name, protocol) = entry.split_once(':')?;
            Some((name.trim().to_owned(), protocol.trim().to_owned()))
        });
        let mut around = Self { protocols: protocols.collect(), ..Self::default() };
        around.encrypts = list(value("listeners")).iter().any(|listener| around.is_https(listener));
        around.authenticates =
            !matches!(value("authentication.method").to_ascii_lowercase().as_str(), "" | "none");
        around
    }

    /// Whether a listener, `[NAME://]SCHEME://HOST:PORT` or `NAME://HOST:PORT`, speaks TLS.
    fn is_https(&self, listener: &str) -> bool {
        let scheme = listener.rsplit_once("://").map_or("", |(scheme, _)| scheme);
        let name = scheme.rsplit("://").next().unwrap_or(scheme).to_ascii_lowercase();
        let protocol = self.protocols.iter().find(|(known, _)| *known == name).map(|(_, protocol)| protocol);
        protocol.unwrap_or(&name) == "https"
    }
}

/// Applies one setting.
pub(super) fn apply(settings: &mut Settings, name: &str, value: &str, around: &Around) -> Result<(), Reason> {
    let options = &mut settings.options;
    match name {
        "listeners" => return listeners(settings, value, around),
        // Already looked at.
        "listener.protocol.map" => {}
        "schema.compatibility.level" => options.default_compatibility_level = level(value)?,
        "avro.compatibility.level" if value.is_empty() => {}
        "avro.compatibility.level" => options.default_compatibility_level = level(value)?,
        // Not one of the reference's, whose default cannot be changed.
        "schema.compatibility.policy" => options.default_compatibility_policy = policy(value)?,
        "schema.validate.fields" => options.validate_fields = flag(value)?,
        "schema.validate.new.schemas" => options.validate_new_schemas = flag(value)?,
        "schema.reject.empty.subject" => options.reject_empty_subject = flag(value)?,
        "schema.providers.reference.versions.strict" => options.strict_reference_versions = flag(value)?,
        "mode.mutability" => options.mode_mutability = flag(value)?,
        "associations.enable" => options.associations = flag(value)?,
        "schema.search.default.limit" => options.search.schemas.default = number(value)?,
        "schema.search.max.limit" => options.search.schemas.max = number(value)?,
        "subject.search.default.limit" => options.search.subjects.default = number(value)?,
        "subject.search.max.limit" => options.search.subjects.max = number(value)?,
        "subject.version.search.default.limit" => options.search.versions.default = number(value)?,
        "subject.version.search.max.limit" => options.search.versions.max = number(value)?,
        "context.search.default.limit" => options.search.contexts.default = number(value)?,
        "context.search.max.limit" => options.search.contexts.max = number(value)?,
        "size.limit.filter.enabled" => {
            // Without a size of its own the filter has the reference's default.
            if flag(value)? && options.max_body_bytes == crate::Options::default().max_body_bytes {
                options.max_body_bytes = 1 << 20;
            }
        }
        "size.limit.filter.max.request.body.size" => options.max_body_bytes = size(value)?,
        "request.timeout.ms" => options.request_timeout = millis(value)?,
        "idle.timeout.ms" => options.header_timeout = millis(value)?,
        "max.request.header.size" => options.max_head_bytes = size(value)?,
        "compression.enable" => options.compression = flag(value)?,
        "access.control.allow.origin" => options.cors.origins = list(value),
        "access.control.allow.methods" => options.cors.methods = list(value),
        "access.control.allow.headers" => options.cors.headers = list(value),
        "access.control.expose.headers" => options.cors.exposed_headers = list(value),
        "response.http.headers.config" => options.response_headers = headers(value)?,
        "schema.registry.group.id" => options.cluster_name = value.to_owned(),
        "schema.registry.metadata.deployment.attributes" => options.deployment_attributes = list(value),
        _ => {
            return match untranslated(name, value) {
                Err(Reason::Missing(_)) if asks_nothing(name, value) => Ok(()),
                Err(Reason::Missing(TLS)) if !around.encrypts => Err(Reason::NotNeeded(NO_TLS)),
                Err(Reason::Missing(AUTHENTICATION)) if !around.authenticates => {
                    Err(Reason::NotNeeded(NO_AUTHENTICATION))
                }
                other => other,
            };
        }
    }
    Ok(())
}

/// Whether a setting is empty or repeats the reference's default, and so changes nothing.
fn asks_nothing(name: &str, value: &str) -> bool {
    const DEFAULTS: [(&str, &str); 12] = [
        ("authentication.roles", "*"),
        ("csrf.prevention.enable", "false"),
        ("dek.registry.max.keys", "20000"),
        ("dek.registry.topic", "_dek_registry_keys"),
        ("enable.fips", "false"),
        ("enable.fips.mode", "fips-140-3"),
        ("metadata.encoder.secret.strict.validation", "false"),
        ("metadata.encoder.topic", "_schema_encoders"),
        ("ssl.client.auth", "false"),
        ("ssl.client.authentication", "none"),
        ("ssl.keystore.reload", "false"),
        ("ssl.protocol", "tls"),
    ];
    value.is_empty()
        || DEFAULTS.iter().any(|(known, default)| *known == name && default.eq_ignore_ascii_case(value))
}

/// Settings without a counterpart.
fn untranslated(name: &str, value: &str) -> Result<(), Reason> {
    let harmless = |values: &[&str]| values.iter().any(|known| known.eq_ignore_ascii_case(value));
    match name {
        "authentication.method" if harmless(&["none", ""]) => Ok(()),
        "schema.providers.json.fetch.remote.schemas" if harmless(&["false"]) => Ok(()),
        "schema.providers.json.fetch.remote.schemas" => Err(Reason::Missing(
            "a schema never makes the registry fetch another: register it as a reference",
        )),
        "resource.extension.class" | "schema.registry.resource.extension.class" if value.is_empty() => Ok(()),
        "resource.extension.class"
        | "schema.registry.resource.extension.class"
        | "init.resource.extension.class" => Err(Reason::Missing("Java extensions cannot be loaded")),
        "schema.providers" if value.is_empty() => Ok(()),
        "schema.providers" => {
            Err(Reason::Missing("Avro, JSON Schema and Protobuf are the languages there are"))
        }
        "debug" | "enable.store.health.check" => {
            Err(Reason::NotNeeded("see /health/ready, /metrics and the log"))
        }
        "access.control.skip.options" | "reject.options.request" => {
            Err(Reason::NotNeeded("OPTIONS answers browsers and nobody else"))
        }
        "resource.static.locations" if value.is_empty() => Ok(()),
        "resource.static.locations" => Err(Reason::Missing("static files are not served")),
        "host.name" | "host.port" | "port" => Err(Reason::NotNeeded(ONE_NODE)),
        "schema.cache.size" | "schema.cache.expiry.secs" | "schema.canonicalize.on.consume" => {
            Err(Reason::NotNeeded(OWN_CACHES))
        }
        "http2.enabled" => Err(Reason::NotNeeded("clients of registries speak HTTP/1.1")),
        "csrf.prevention.enable" | "dos.filter.enabled" | "hsts.header.enable" if harmless(&["false"]) => {
            Ok(())
        }
        _ => by_prefix(name),
    }
}

fn by_prefix(name: &str) -> Result<(), Reason> {
    let table: [(&[&str], Reason); 8] = [
        (
            // The last two are of releases that kept more in ZooKeeper.
            &["kafkastore.", "zookeeper.", "schema.registry.zk."],
            Reason::NotNeeded(OWN_STORE),
        ),
        (
            &["kafkagroup.", "leader.", "master.", "inter.instance.", "schema.registry.inter.instance."],
            Reason::NotNeeded(ONE_NODE),
        ),
        (&["authentication.", "rest.servlet."], Reason::Missing(AUTHENTICATION)),
        (&["confluent."], Reason::Missing("a part of Confluent's commercial editions")),
        (&["ssl.", "listener.", "enable.fips"], Reason::Missing(TLS)),
        (
            &["metadata.encoder.", "dek.registry."],
            Reason::Missing("neither metadata nor data keys are encrypted by the registry"),
        ),
        (
            &["metric.reporters", "metrics.", "metric.", "telemetry."],
            Reason::NotNeeded("metrics are at /metrics, in the format of Prometheus"),
        ),
        (
            &[
                "thread.pool.",
                "request.queue.",
                "request.timeout.",
                "csrf.",
                "dos.filter.",
                "hsts.",
                "shutdown.",
            ],
            Reason::NotNeeded("the server has limits of its own"),
        ),
    ];
    let row = table.into_iter().find(|(prefixes, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    Err(row.map_or(Reason::Unknown, |(_, reason)| reason))
}

/// Takes the first listener without TLS: `[NAME://]http://HOST:PORT`, or with a name alone, `NAME://HOST:PORT`.
fn listeners(settings: &mut Settings, value: &str, around: &Around) -> Result<(), Reason> {
    const EXPECTED: Reason = Reason::Invalid("a list of listeners such as http://0.0.0.0:8081");
    for listener in list(value) {
        let (_, address) = listener.rsplit_once("://").ok_or(EXPECTED)?;
        if around.is_https(&listener) {
            continue;
        }
        let (host, port) = address.trim_end_matches('/').rsplit_once(':').ok_or(EXPECTED)?;
        let port: u16 = port.parse().map_err(|_| EXPECTED)?;
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        settings.listen.get_or_insert_with(|| format!("{host}:{port}"));
    }
    if around.encrypts { Err(Reason::Missing(TLS)) } else { Ok(()) }
}

/// Headers as `[action] name: value`, parted by commas; one that holds a comma stands in quotes.
fn headers(value: &str) -> Result<Vec<(String, String)>, Reason> {
    const EXPECTED: Reason = Reason::Invalid("a list of headers such as add X-Frame-Options: DENY");
    let mut headers = Vec::new();
    for item in quoted_list(value) {
        let (action, rest) = item.trim().split_once(' ').ok_or(EXPECTED)?;
        if !matches!(action, "set" | "add") {
            return Err(Reason::Missing("headers are set or added; dates are not computed"));
        }
        let (name, value) = rest.split_once(':').ok_or(EXPECTED)?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(headers)
}

fn quoted_list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(String::new()),
            c => items.last_mut().map_or((), |item| item.push(c)),
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn level<T: FromStr>(value: &str) -> Result<T, Reason> {
    value.parse().map_err(|_| Reason::Invalid("a compatibility level"))
}

fn policy(value: &str) -> Result<CompatibilityPolicy, Reason> {
    match value.to_ascii_lowercase().as_str() {
        "strict" => Ok(CompatibilityPolicy::Strict),
        "lenient" => Ok(CompatibilityPolicy::Lenient),
        "logical" => Err(Reason::Missing("logical types are not compared")),
        _ => Err(Reason::Invalid("a compatibility policy")),
    }
}

fn is_true(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("true")
}

fn flag(value: &str) -> Result<bool, Reason> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Reason::Invalid("true or false")),
    }
}

fn number(value: &str) -> Result<i32, Reason> {
    value.parse().ok().filter(|number| *number > 0).ok_or(Reason::Invalid("a positive number"))
}

fn size(value: &str) -> Result<usize, Reason> {
    value.parse().ok().filter(|size| *size > 0).ok_or(Reason::Invalid("a number of bytes"))
}

fn millis(value: &str) -> Result<Duration, Reason> {
    let millis: u64 = value.parse().map_err(|_| Reason::Invalid("a number of milliseconds"))?;
    Ok(Duration::from_millis(millis))
}
