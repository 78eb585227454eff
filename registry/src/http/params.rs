//! Query and path parameters (registry API spec §1.3).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use muster_schema::{SchemaId, Subject};

use super::error::HttpFailure;
use super::target;
use crate::service::Page;

/// The query of a request.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The first value of a parameter; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The first value of a parameter, if there is one.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether the first value is `true` in any letter case.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// The first value as an integer; blank counts as absent, what is no integer does not exist (404).
    fn int(&self, name: &str, default: i32) -> Result<i32, HttpFailure> {
        match self.text(name) {
            blank if blank.trim().is_empty() => Ok(default),
            text => text.parse().map_err(|_| HttpFailure::NotFound),
        }
    }

    /// `offset` and `limit`.
    pub(crate) fn page(&self) -> Result<Page, HttpFailure> {
        Ok(Page { offset: self.int("offset", 0)?, limit: self.int("limit", -1)? })
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().map(target::query).unwrap_or_default()))
    }
}

/// A schema id in a path; what is no 32-bit integer does not exist (404).
pub(crate) fn schema_id(text: &str) -> Result<SchemaId, HttpFailure> {
    text.parse().map(SchemaId).map_err(|_| HttpFailure::NotFound)
}

/// A subject in a path.
pub(crate) fn subject(text: &str) -> Subject {
    Subject::parse(text)
}
