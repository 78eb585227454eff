//! What a request means before it is routed: the context prefix of its path and aliases of its subject
//! (registry API spec §5.4–5.5).

use axum::http::{Method, Uri};
use muster_schema::subject::InvalidContext;
use muster_schema::{Context, Subject};

use super::target;
use crate::service::{Service, ServiceError};

/// Why a request cannot be routed.
#[derive(Debug)]
pub(crate) enum Unroutable {
    /// The context name in the path has an inner colon.
    Context(InvalidContext),
    /// The store failed while aliases were looked up.
    Service(ServiceError),
}

/// The target to route; the same if nothing in it has another meaning. `uri` passed [`target::check`].
pub(crate) async fn rewrite(
    service: &Service,
    method: &Method,
    uri: &Uri,
) -> Result<Option<Uri>, Unroutable> {
    let path = uri.path();
    let in_context = path.starts_with("/contexts/");
    // Parameters of segments, and a trailing slash, are not routed.
    let parameters = path.contains(';');
    let odd = parameters || (path.len() > 1 && path.ends_with('/'));
    let names_subject = path.contains("/subjects/")
        || path.contains("/deks/")
        || path.starts_with("/schemas/ids")
        || parameters;
    if !in_context && !names_subject {
        return Ok(odd.then(|| recompose(&target::segments(path), &target::query(query_of(uri)))).flatten());
    }
    let mut segments = target::segments(path);
    let mut query = target::query(query_of(uri));
    let mut changed = odd;
    // `/contexts/` alone is the listing.
    if in_context && segments.len() > 1 {
        enter_context(method, &mut segments, &mut query).map_err(Unroutable::Context)?;
        changed = true;
    }
    changed |= replace_aliases(service, &mut segments, &mut query).await.map_err(Unroutable::Service)?;
    changed |= lower_referenced_by(&mut segments);
    Ok(if changed { recompose(&segments, &query) } else { None })
}

/// Some clients ask for `referencedBy`.
fn lower_referenced_by(segments: &mut [String]) -> bool {
    match segments {
        [first, _, third, _, last]
            if first == "subjects"
                && third == "versions"
                && last != "referencedby"
                && last.eq_ignore_ascii_case("referencedby") =>
        {
            last.make_ascii_lowercase();
            true
        }
        _ => false,
    }
}

fn query_of(uri: &Uri) -> &str {
    uri.query().unwrap_or_default()
}

/// A target that cannot be written as one any more keeps the form it came in, and will not be found.
fn recompose(segments: &[String], query: &[(String, String)]) -> Option<Uri> {
    target::compose(segments, query).parse().ok()
}

/// Removes the context prefix and qualifies what it was meant for.
fn enter_context(
    method: &Method,
    segments: &mut Vec<String>,
    query: &mut Vec<(String, String)>,
) -> Result<(), InvalidContext> {
    let mut rest = segments.split_off(2);
    let context = Context::parse(segments.get(1).map_or("", String::as_str))?;
    // Names in the default context stand as they are; the context itself has to be named.
    let (prefix, qualifier) = (context.prefix(), format!(":{}:", context.as_str()));
    let qualify = |name: &mut String| {
        if !name.starts_with(":.") && !name.starts_with(":*:") {
            name.insert_str(0, &prefix);
        }
    };
    match rest.first().map(String::as_str) {
        // The default context has no name to be deleted by.
        None if context.is_default() => rest = vec!["contexts".to_owned()],
        None => rest = vec!["contexts".to_owned(), qualifier.clone()],
        Some("config" | "mode") => match rest.get_mut(1) {
            Some(name) => qualify(name),
            None => rest.push(qualifier.clone()),
        },
        Some("schemas") if rest.get(1).is_some_and(|segment| segment == "ids") => {
            add_missing(query, "subject");
            query
                .iter_mut()
                .filter(|(key, _)| key == "subject")
                .take(1)
                .for_each(|(_, value)| qualify(value));
        }
        Some("schemas" | "subjects") if rest.len() == 1 => qualify_all(query, "subjectPrefix", qualify),
        Some(first) if first.starts_with("keks") => qualify_all(query, "subjectPrefix", qualify),
        Some(first)
            if first.starts_with("associations")
                && matches!(*method, Method::POST | Method::PUT | Method::PATCH) =>
        {
            query.retain(|(key, _)| key != "context");
            query.push(("context".to_owned(), qualifier.clone()));
        }
        Some(_) => {}
    }
    let mut after_subjects = false;
    for segment in &mut rest {
        let names_what_follows = segment == "subjects" || segment == "deks";
        if after_subjects {
            qualify(segment);
        }
        after_subjects = names_what_follows && !after_subjects;
    }
    *segments = rest;
    Ok(())
}

fn add_missing(query: &mut Vec<(String, String)>, name: &str) {
    if !query.iter().any(|(key, _)| key == name) {
        query.push((name.to_owned(), String::new()));
    }
}

fn qualify_all(query: &mut Vec<(String, String)>, name: &str, qualify: impl Fn(&mut String)) {
    add_missing(query, name);
    query.iter_mut().filter(|(key, _)| key == name).for_each(|(_, value)| qualify(value));
}

/// Replaces subjects that are aliases by what they stand for; whether there was any.
async fn replace_aliases(
    service: &Service,
    segments: &mut [String],
    query: &mut [(String, String)],
) -> Result<bool, ServiceError> {
    let by_id = matches!(segments, [first, second, ..] if first == "schemas" && second == "ids");
    let mut changed = false;
    let mut after_subjects = false;
    for segment in segments {
        let names_what_follows = segment == "subjects" || segment == "deks";
        if after_subjects {
            changed |= replace_alias(service, segment).await?;
        }
        after_subjects = names_what_follows && !after_subjects;
    }
    if by_id && let Some((_, subject)) = query.iter_mut().find(|(key, _)| key == "subject") {
        changed |= replace_alias(service, subject).await?;
    }
    Ok(changed)
}

async fn replace_alias(service: &Service, subject: &mut String) -> Result<bool, ServiceError> {
    let Some(meant) = service.alias_target(&Subject::parse(subject)).await? else { return Ok(false) };
    *subject = meant.to_string();
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(method: &Method, target: &str) -> Result<String, InvalidContext> {
        let (path, text) = target.split_once('?').unwrap_or((target, ""));
        let (mut segments, mut query) = (target::segments(path), target::query(text));
        enter_context(method, &mut segments, &mut query)?;
        Ok(target::compose(&segments, &query))
    }

    #[test]
    fn the_context_prefix_qualifies_what_follows() {
        let cases = [
            ("/contexts/.c", "/contexts/:.c:"),
            ("/contexts/c", "/contexts/:.c:"),
            ("/contexts/.", "/contexts"),
            ("/contexts/.c/contexts", "/contexts"),
            ("/contexts/.c/subjects", "/subjects?subjectPrefix=:.c:"),
            (
                "/contexts/.c/subjects?subjectPrefix=a&subjectPrefix=:.d:b",
                "/subjects?subjectPrefix=:.c:a&subjectPrefix=:.d:b",
            ),
            ("/contexts/:.c:/subjects/s/versions/1", "/subjects/:.c:s/versions/1"),
            ("/contexts/.c/subjects/:.d:s", "/subjects/:.d:s"),
            ("/contexts/.c/subjects/:*:s", "/subjects/:%2A:s"),
            ("/contexts/./subjects/s", "/subjects/s"),
            ("/contexts/::/subjects/s", "/subjects/s"),
            ("/contexts/./subjects", "/subjects?subjectPrefix="),
            ("/contexts/./mode", "/mode/:.:"),
            ("/contexts/.c/compatibility/subjects/s/versions", "/compatibility/subjects/:.c:s/versions"),
            ("/contexts/.c/config", "/config/:.c:"),
            ("/contexts/.c/config/s", "/config/:.c:s"),
            ("/contexts/.c/mode/:.d:", "/mode/:.d:"),
            ("/contexts/.c/schemas", "/schemas?subjectPrefix=:.c:"),
            ("/contexts/.c/schemas/types", "/schemas/types"),
            ("/contexts/.c/schemas/ids/1", "/schemas/ids/1?subject=:.c:"),
            ("/contexts/.c/schemas/ids/1/versions?subject=s", "/schemas/ids/1/versions?subject=:.c:s"),
            ("/contexts/.c/schemas/guids/x", "/schemas/guids/x"),
        ];
        for (target, expected) in cases {
            assert_eq!(entered(&Method::GET, target).as_deref(), Ok(expected), "{target}");
        }
        assert_eq!(
            entered(&Method::POST, "/contexts/.c/associations").as_deref(),
            Ok("/associations?context=:.c:")
        );
        assert_eq!(
            entered(&Method::GET, "/contexts/.c/associations/resources/x").as_deref(),
            Ok("/associations/resources/x")
        );
        assert_eq!(entered(&Method::GET, "/contexts/.a:b/config"), Err(InvalidContext(".a:b".to_owned())));
    }
}
