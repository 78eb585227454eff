//! Answers for browsers on other sites (`access.control.*`, registry API spec §13.2).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, header};

use crate::options;

/// Who may call from elsewhere, as headers ready to send.
pub(crate) struct Cors {
    origins: Vec<String>,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: Option<HeaderValue>,
}

impl Cors {
    /// From the settings; none if no origin is allowed.
    pub(crate) fn new(options: &options::Cors) -> Option<Self> {
        if options.origins.is_empty() {
            return None;
        }
        let list = |names: &[String], default: &'static str| {
            let text = names.join(",");
            let value = Some(text).filter(|text| !text.is_empty());
            value
                .and_then(|text| HeaderValue::from_str(&text).ok())
                .unwrap_or(HeaderValue::from_static(default))
        };
        let exposed = list(&options.exposed_headers, "");
        Some(Self {
            origins: options.origins.clone(),
            methods: list(&options.methods, "GET,POST,HEAD"),
            headers: list(&options.headers, "X-Requested-With,Content-Type,Accept,Origin"),
            exposed: Some(exposed).filter(|value| !value.is_empty()),
        })
    }

    /// The answer to the question that a browser asks before a request, but for what [`Cors::allow`] adds to every
    /// answer; none if this is another request.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
        if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let mut response = Response::new(Body::empty());
        if self.allows(headers) {
            let out = response.headers_mut();
            out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("1800"));
        }
        Some(response)
    }

    /// Adds to an answer what lets the caller's page read it, if its origin is allowed.
    pub(crate) fn allow(&self, headers: &HeaderMap, out: &mut HeaderMap) {
        let Some(origin) = headers.get(header::ORIGIN) else { return };
        out.append(header::VARY, HeaderValue::from_static("origin"));
        if self.allows(headers) {
            out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            if let Some(exposed) = &self.exposed {
                out.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
            }
        }
    }

    /// Whether the caller's origin is allowed.
    fn allows(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        origin.is_some_and(|origin| {
            self.origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_origins_get_what_they_need_and_others_nothing() {
        let text = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let options = options::Cors {
            origins: text(&["https://a.example"]),
            methods: text(&["GET", "PUT"]),
            ..options::Cors::default()
        };
        let cors = Cors::new(&options).unwrap();
        let ask = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
            let mut response = cors.preflight(&Method::OPTIONS, &headers).unwrap();
            cors.allow(&headers, response.headers_mut());
            response
        };
        let allowed = ask("https://a.example");
        assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(allowed.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,PUT");
        let refused = ask("https://b.example");
        assert!(!refused.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        assert!(!refused.headers().contains_key(header::ACCESS_CONTROL_ALLOW_METHODS));
        assert!(cors.preflight(&Method::GET, &HeaderMap::new()).is_none());
        assert!(Cors::new(&options::Cors::default()).is_none());
    }
}
