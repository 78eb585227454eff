//! Settings of the registry client (wire format spec §7.1, §10).

/// How a client proves who it is (wire format spec §10.3). Basic and bearer exclude each other.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Authentication {
    /// Nothing is sent, unless a URL carries `user:password@`, which then counts as [`Basic`](Self::Basic).
    #[default]
    None,
    /// HTTP Basic.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
    /// A static bearer token.
    Bearer {
        /// The token, without the word `Bearer`.
        token: String,
    },
}

/// Credentials are never printed.
impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic { .. }",
            Self::Bearer { .. } => "Bearer { .. }",
        })
    }
}

/// Everything a [`RegistryClient`](super::RegistryClient) can be told. Defaults are those of the official clients.
///
/// ```
/// use muster_serdes::ClientConfig;
///
/// let config = ClientConfig { max_retries: 1, ..ClientConfig::new("http://a:8081,http://b:8081") };
/// assert_eq!(config.urls, ["http://a:8081", "http://b:8081"]);
/// ```
#[derive(Clone)]
pub struct ClientConfig {
    /// Base URLs of one registry, in order of preference; `http` or `https`, a path is kept. At least one.
    pub urls: Vec<String>,
    /// Start at a random URL rather than the first. Default false.
    pub randomize_urls: bool,
    /// Credentials. Default none.
    pub authentication: Authentication,
    /// Extra headers of every request. Default none.
    pub headers: Vec<(String, String)>,
    /// PEM certificates of authorities to trust besides those of the system. Default none.
    pub certificate_authorities_pem: Option<Vec<u8>>,
    /// PEM client certificate and private key, one after the other. Default none.
    pub identity_pem: Option<Vec<u8>>,
    /// An HTTP proxy URL. Default none; the environment is not read.
    pub proxy: Option<String>,
    /// Longest wait for a connection, in milliseconds. Default 60,000.
    pub connect_timeout_ms: u64,
    /// Longest wait for one attempt, from sending to the last byte of the answer, in milliseconds. Default 60,000.
    pub request_timeout_ms: u64,
    /// Further attempts per URL after a retriable failure. Default 3.
    pub max_retries: u32,
    /// Upper end of the first random wait between attempts, in milliseconds; doubles each time. Default 1,000.
    pub retries_wait_ms: u64,
    /// Bound of that upper end, in milliseconds. Default 20,000.
    pub retries_max_wait_ms: u64,
    /// Entries in each cache; an entry counts once per started 64 KiB. Default 1,000.
    pub cache_capacity: u64,
    /// How long [`latest_version`](super::RegistryClient::latest_version) may be out of date, in milliseconds;
    /// `None` for ever. Default 60,000.
    pub latest_cache_ttl_ms: Option<u64>,
    /// How long [`associated_subjects`](super::RegistryClient::associated_subjects) may be out of date, in milliseconds;
    /// `None` for ever. Default `None`.
    pub association_cache_ttl_ms: Option<u64>,
    /// Longest answer accepted, in bytes. Default 64 MiB.
    pub response_bytes: usize,
}

impl ClientConfig {
    /// The defaults for a comma-separated list of URLs.
    pub fn new(urls: &str) -> Self {
        let urls = urls.split(',').map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned).collect();
        Self { urls, ..Self::default() }
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            randomize_urls: false,
            authentication: Authentication::None,
            headers: Vec::new(),
            certificate_authorities_pem: None,
            identity_pem: None,
            proxy: None,
            connect_timeout_ms: 60_000,
            request_timeout_ms: 60_000,
            max_retries: 3,
            retries_wait_ms: 1_000,
            retries_max_wait_ms: 20_000,
            cache_capacity: 1_000,
            latest_cache_ttl_ms: Some(60_000),
            association_cache_ttl_ms: None,
            response_bytes: 64 << 20,
        }
    }
}

/// URLs, header values and the identity may carry secrets, so they are counted rather than printed.
impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientConfig")
            .field("urls", &self.urls.len())
            .field("authentication", &self.authentication)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("request_timeout_ms", &self.request_timeout_ms)
            .field("max_retries", &self.max_retries)
            .field("retries_wait_ms", &self.retries_wait_ms)
            .field("retries_max_wait_ms", &self.retries_max_wait_ms)
            .field("cache_capacity", &self.cache_capacity)
            .field("latest_cache_ttl_ms", &self.latest_cache_ttl_ms)
            .field("association_cache_ttl_ms", &self.association_cache_ttl_ms)
            .field("response_bytes", &self.response_bytes)
            .finish_non_exhaustive()
    }
}
