//! The schema registry: REST API, rules and store.
//!
//! `http/` speaks REST, `service/` decides, `store/` remembers; each knows only the next one. A [`Registry`] is the
//! three put together:
//!
//! ```no_run
//! # async fn run(store: std::sync::Arc<dyn muster_registry::store::Store>) -> std::io::Result<()> {
//! use muster_registry::{Options, Registry, serve};
//!
//! let registry = Registry::new(store, Options::default());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
//! serve(listener, registry, std::future::pending()).await
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod http;
mod metrics;
mod options;
pub mod portable;
mod service;
pub mod settings;
pub mod store;
mod uuid;

use std::sync::Arc;

pub use http::serve::serve;
pub use options::{Cors, Options, RuleSets, SearchLimit, SearchLimits};

use http::front::Front;

/// A registry over a store. Cheap to clone; clones share caches and metrics.
#[derive(Clone)]
pub struct Registry {
    front: Arc<Front>,
}

impl Registry {
    /// Puts a registry on top of `store`.
    pub fn new(store: Arc<dyn store::Store>, options: Options) -> Self {
        Self { front: Arc::new(Front::new(store, options)) }
    }

    /// The whole REST API as one axum router, for embedding and for tests without sockets. [`serve`] answers the
    /// same requests with a little less work per request.
    pub fn router(&self) -> axum::Router {
        axum::Router::new().fallback_service(http::front::FrontService::new(Arc::clone(&self.front)))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
