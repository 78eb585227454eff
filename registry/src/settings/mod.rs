//! What a registry of the reference was told, in our terms (registry API spec §13).
//!
//! [`Settings`] translates a `schema-registry.properties` file or the `SCHEMA_REGISTRY_*` variables of its container
//! image into [`Options`], and names each setting that it cannot translate, with the reason.
//!
//! ```
//! use muster_registry::settings::Settings;
//!
//! let settings = Settings::from_properties("schema.compatibility.level=full\nkafkastore.topic=_schemas\n");
//! assert_eq!(settings.options.default_compatibility_level, muster_schema::CompatibilityLevel::Full);
//! assert_eq!(settings.notes.len(), 1);
//! ```

mod properties;
mod table;

use std::fmt;

use crate::options::Options;

/// Prefix of the variables of the reference's container image.
pub const ENVIRONMENT_PREFIX: &str = "SCHEMA_REGISTRY_";

/// Settings of the reference, translated.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What the registry is to be told.
    pub options: Options,
    /// Where to listen, as `HOST:PORT`, if a listener without TLS was given.
    pub listen: Option<String>,
    /// What was not translated, in order.
    pub notes: Vec<Note>,
}

/// A setting that was not translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its name, as a property.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why a setting was not translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has no meaning here and nothing is lost; the text says why.
    NotNeeded(&'static str),
    /// It asks for something that this release does not have; the text says what instead.
    Missing(&'static str),
    /// Its value is not of the kind that the text names.
    Invalid(&'static str),
    /// The reference has no such setting, as far as we know.
    Unknown,
}

impl Reason {
    /// Whether the registry will behave otherwise than the one that was configured.
    pub fn matters(&self) -> bool {
        !matches!(self, Self::NotNeeded(_))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.reason {
            Reason::NotNeeded(why) => write!(f, "{name}: not needed, {why}"),
            Reason::Missing(what) => write!(f, "{name}: not supported, {what}"),
            Reason::Invalid(expected) => write!(f, "{name}: not {expected}"),
            Reason::Unknown => write!(f, "{name}: unknown"),
        }
    }
}

impl Settings {
    /// Translates the text of a properties file.
    pub fn from_properties(text: &str) -> Self {
        Self::from_pairs(properties::parse(text))
    }

    /// Translates those of some environment variables that start with [`ENVIRONMENT_PREFIX`]: see [`environment`].
    pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::from_pairs(environment(variables))
    }

    /// Translates properties given by name and value; of a repeated name the last counts.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut settings = Self::default();
        let around = table::Around::of(&pairs);
        for (name, value) in table::in_order(pairs) {
            if let Err(reason) = table::apply(&mut settings, &name, value.trim(), &around) {
                settings.notes.push(Note { name, reason });
            }
        }
        settings
    }
}

/// The properties that some environment variables stand for, by name. What a JVM is told, and what Kubernetes says about
/// a service of that name, is passed over.
pub fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.strip_prefix(ENVIRONMENT_PREFIX)?;
            (!is_for_others(name, &value)).then(|| (property_name(name), value))
        })
        .collect();
    // The environment has no order.
    pairs.sort();
    pairs
}

/// The names and values in the text of a properties file, in order.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    properties::parse(text)
}

/// The property that a variable of the image stands for: `_` is a dot, `__` a dash, `___` an underscore.
fn property_name(variable: &str) -> String {
    let lower = variable.to_ascii_lowercase();
    lower.replace("___", "\u{1}").replace("__", "-").replace('_', ".").replace('\u{1}', "_")
}

/// Whether a variable of the prefix is no setting of the registry.
fn is_for_others(name: &str, value: &str) -> bool {
    const OF_THE_JVM: [&str; 10] = [
        "HEAP_OPTS",
        "JMX_HOSTNAME",
        "JMX_OPTS",
        "JMX_PORT",
        "JVM_PERFORMANCE_OPTS",
        "LOG4J_LOGGERS",
        "LOG4J_OPTS",
        "LOG4J_ROOT_LOGLEVEL",
        "LOG_DIR",
        "OPTS",
    ];
    let of_kubernetes = name == "PORT"
        || name == "SERVICE_HOST"
        || name.starts_with("SERVICE_PORT")
        || name.starts_with("PORT_")
        || value.starts_with("tcp://");
    OF_THE_JVM.contains(&name) || name.starts_with("CUB_") || of_kubernetes
}

#[cfg(test)]
mod tests {
    use muster_schema::CompatibilityLevel;
    use muster_schema::compatibility::CompatibilityPolicy;

    use super::*;

    fn told(text: &str) -> Settings {
        Settings::from_properties(text)
    }

    #[test]
    fn what_has_a_counterpart_is_translated() {
        let settings = told(
            "listeners=http://0.0.0.0:8085\n\
             schema.compatibility.level=full_transitive\n\
             schema.compatibility.policy=lenient\n\
             mode.mutability=false\n\
             schema.search.default.limit=10\nschema.search.max.limit=20\n\
             access.control.allow.origin=https://a.example,https://b.example\n\
             access.control.allow.methods=GET,PUT\n\
             response.http.headers.config=add X-Frame-Options: DENY, \"set Cache-Control: no-cache, no-store\"\n\
             compression.enable=false\n\
             size.limit.filter.enabled=true\nsize.limit.filter.max.request.body.size=2000\n\
             request.timeout.ms=5000\n\
             schema.registry.group.id=team-a\n\
             associations.enable=false\n",
        );
        assert_eq!(settings.notes, []);
        let options = settings.options;
        assert_eq!(settings.listen.as_deref(), Some("0.0.0.0:8085"));
        assert_eq!(options.default_compatibility_level, CompatibilityLevel::FullTransitive);
        assert_eq!(options.default_compatibility_policy, CompatibilityPolicy::Lenient);
        assert!(!options.mode_mutability && !options.compression && !options.associations);
        assert_eq!((options.search.schemas.default, options.search.schemas.max), (10, 20));
        assert_eq!(options.cors.origins, ["https://a.example", "https://b.example"]);
        assert_eq!(options.cors.methods, ["GET", "PUT"]);
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            options.response_headers,
            [header("X-Frame-Options", "DENY"), header("Cache-Control", "no-cache, no-store")]
        );
        assert_eq!(options.max_body_bytes, 2000);
        assert_eq!(options.request_timeout.as_millis(), 5000);
        assert_eq!(options.cluster_name, "team-a");
    }

    #[test]
    fn the_deprecated_level_wins_wherever_it_stands() {
        for text in [
            "avro.compatibility.level=none\nschema.compatibility.level=full\n",
            "schema.compatibility.level=full\navro.compatibility.level=none\n",
        ] {
            assert_eq!(told(text).options.default_compatibility_level, CompatibilityLevel::None, "{text}");
        }
        let blank = told("schema.compatibility.level=full\navro.compatibility.level=\n");
        assert_eq!(blank.options.default_compatibility_level, CompatibilityLevel::Full);
    }

    #[test]
    fn a_body_limit_counts_only_if_the_filter_is_on() {
        let settings = told("size.limit.filter.max.request.body.size=2000\n");
        assert_eq!(settings.options.max_body_bytes, Options::default().max_body_bytes);
    }

    #[test]
    fn what_has_none_is_named_with_the_reason() {
        let reason = |text: &str| {
            let settings = told(text);
            assert_eq!(settings.notes.len(), 1, "{text}: {:?}", settings.notes);
            settings.notes.into_iter().next().unwrap().reason
        };
        assert!(matches!(reason("kafkastore.topic=_schemas"), Reason::NotNeeded(_)));
        assert!(matches!(reason("leader.eligibility=true"), Reason::NotNeeded(_)));
        assert!(matches!(reason("authentication.method=BASIC"), Reason::Missing(_)));
        assert!(matches!(reason("listeners=https://0.0.0.0:8085"), Reason::Missing(_)));
        assert!(matches!(reason("schema.compatibility.level=backwards"), Reason::Invalid(_)));
        assert!(matches!(reason("request.timeout.ms=soon"), Reason::Invalid(_)));
        assert_eq!(reason("schema.registry.colour=blue"), Reason::Unknown);
        assert_eq!(told("authentication.method=NONE").notes, []);
        assert!(matches!(reason("zookeeper.connection.url=z:2181"), Reason::NotNeeded(_)));
    }

    #[test]
    fn what_is_off_or_at_its_default_is_not_missed() {
        let asks_nothing = "authentication.roles=*\nauthentication.realm=\nssl.protocol=TLS\nssl.keystore.location=\n\
                            ssl.client.authentication=NONE\nenable.fips=false\nmetadata.encoder.topic=_schema_encoders\n\
                            init.resource.extension.class=\n";
        assert_eq!(told(asks_nothing).notes, []);
        let matters = |text: &str| told(text).notes.iter().filter(|note| note.reason.matters()).count();
        let cases = [
            ("ssl.keystore.location=k.jks", 0),
            ("ssl.keystore.location=k.jks\nlisteners=http://:8081", 0),
            ("ssl.keystore.location=k.jks\nlisteners=https://:8081", 2),
            ("authentication.realm=r", 0),
            ("authentication.realm=r\nauthentication.method=BASIC", 2),
            ("metadata.encoder.secret=s", 1),
            ("confluent.license=l", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(matters(text), expected, "{text}");
        }
    }

    #[test]
    fn listeners_may_have_names() {
        let map = "listener.protocol.map=INTERNAL:http,EXTERNAL:HTTPS\n";
        let cases = [
            ("INTERNAL://0.0.0.0:8081", Some("0.0.0.0:8081"), 0),
            ("EXTERNAL://0.0.0.0:8443", None, 1),
            ("EXTERNAL://0.0.0.0:8443,INTERNAL://[::1]:8081", Some("[::1]:8081"), 1),
            ("A://http://h:1,B://https://h:2", Some("h:1"), 1),
            ("http://h:1/", Some("h:1"), 0),
        ];
        for (listeners, listen, notes) in cases {
            let settings = told(&format!("listeners={listeners}\n{map}"));
            assert_eq!((settings.listen.as_deref(), settings.notes.len()), (listen, notes), "{listeners}");
        }
    }

    #[test]
    fn variables_of_the_image_are_understood_and_others_passed_over() {
        let pairs = [
            ("SCHEMA_REGISTRY_SCHEMA_COMPATIBILITY_LEVEL", "none"),
            ("SCHEMA_REGISTRY_LISTENERS", "http://:8081"),
            ("SCHEMA_REGISTRY_HEAP_OPTS", "-Xmx1g"),
            ("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081"),
            ("SCHEMA_REGISTRY_PORT_8081_TCP_ADDR", "10.0.0.1"),
            ("SCHEMA_REGISTRY_SERVICE_HOST", "10.0.0.1"),
            ("PATH", "/bin"),
        ];
        let variables = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::from_environment(variables);
        assert_eq!(settings.notes, []);
        assert_eq!(settings.options.default_compatibility_level, CompatibilityLevel::None);
        assert_eq!(settings.listen.as_deref(), Some("0.0.0.0:8081"));
        assert_eq!(property_name("KAFKASTORE_SSL_KEY__X___Y"), "kafkastore.ssl.key-x_y");
    }
}
