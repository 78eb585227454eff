//! The page for a request target that is refused outright: not a registry error, and without `X-Request-ID`
//! (registry API spec §1.2).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::accept;
use super::target::Refused;

/// The page: HTML, plain text or JSON by what the client likes best; empty for registry clients and for methods that
/// get no pages.
pub(crate) fn page(method: &Method, headers: &HeaderMap, target: &str, refused: Refused) -> Response<Body> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let ranked = accept.split(',').map(accept::ranked);
    let mut accepted: Vec<(u16, &str)> = ranked.filter(|(quality, _)| *quality > 0).collect();
    // Of equal quality, what is named in full comes before wildcards.
    accepted.sort_by_key(|(quality, range)| (u16::MAX - quality, range.contains('*')));
    let shape = accepted.into_iter().find_map(|(_, range)| match range {
        "text/html" | "text/*" | "*/*" | "*" => Some(Shape::Html),
        "text/plain" => Some(Shape::Plain),
        "application/json" | "text/json" => Some(Shape::Json),
        _ => None,
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let paged = matches!(*method, Method::GET | Method::HEAD | Method::POST | Method::PUT);
    let Some(shape) = shape.filter(|_| paged) else { return response };
    let (media_type, body) = match shape {
        Shape::Html => {
            let text = refused.0;
            let page = format!(
                "<html><head><title>Error 400 {text}</title></head><body><h2>HTTP ERROR 400 {text}</h2></body></html>\n"
            );
            ("text/html;charset=utf-8", page)
        }
        Shape::Plain => ("text/plain;charset=utf-8", format!("HTTP ERROR 400 {}\n", refused.0)),
        Shape::Json => {
            let page = serde_json::json!({"message": refused.0, "url": target, "status": "400"});
            ("application/json", page.to_string())
        }
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    *response.body_mut() = Body::from(body);
    response
}

enum Shape {
    Html,
    Plain,
    Json,
}
