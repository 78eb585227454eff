//! The meta-schemas that any text may reference (schema formats spec §5.4), built in.
//!
//! Source: json-schema.org, drafts 4, 6 and 7 (Academic Free License or BSD), 2019-09 and 2020-12.

use std::sync::OnceLock;

use super::model::Dialect;
use super::text;
use crate::jsontext::Json;
use crate::limits::Limits;

/// Path of the URI below `json-schema.org/`, and text.
const DRAFTS: [(&str, &str); 3] = [
    ("draft-04/schema", include_str!("metaschemas/draft4.json")),
    ("draft-06/schema", include_str!("metaschemas/draft6.json")),
    ("draft-07/schema", include_str!("metaschemas/draft7.json")),
];

const MODERN: [(&str, &str); 16] = [
    ("draft/2019-09/schema", include_str!("metaschemas/2019-09/schema.json")),
    ("draft/2019-09/meta/applicator", include_str!("metaschemas/2019-09/applicator.json")),
    ("draft/2019-09/meta/content", include_str!("metaschemas/2019-09/content.json")),
    ("draft/2019-09/meta/core", include_str!("metaschemas/2019-09/core.json")),
    ("draft/2019-09/meta/format", include_str!("metaschemas/2019-09/format.json")),
    ("draft/2019-09/meta/meta-data", include_str!("metaschemas/2019-09/meta-data.json")),
    ("draft/2019-09/meta/validation", include_str!("metaschemas/2019-09/validation.json")),
    ("draft/2020-12/schema", include_str!("metaschemas/2020-12/schema.json")),
    ("draft/2020-12/meta/applicator", include_str!("metaschemas/2020-12/applicator.json")),
    ("draft/2020-12/meta/content", include_str!("metaschemas/2020-12/content.json")),
    ("draft/2020-12/meta/core", include_str!("metaschemas/2020-12/core.json")),
    ("draft/2020-12/meta/format-annotation", include_str!("metaschemas/2020-12/format-annotation.json")),
    ("draft/2020-12/meta/format-assertion", include_str!("metaschemas/2020-12/format-assertion.json")),
    ("draft/2020-12/meta/meta-data", include_str!("metaschemas/2020-12/meta-data.json")),
    ("draft/2020-12/meta/unevaluated", include_str!("metaschemas/2020-12/unevaluated.json")),
    ("draft/2020-12/meta/validation", include_str!("metaschemas/2020-12/validation.json")),
];

/// A meta-schema by its URI, over HTTP or HTTPS, without fragment. A text of drafts 4–7 cannot reach the modern ones.
pub(in crate::json) fn get(dialect: Dialect, uri: &str) -> Option<&'static Json> {
    static READ: OnceLock<Vec<(&'static str, Json)>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let limits = Limits::default();
        let texts = DRAFTS.into_iter().chain(MODERN);
        texts.filter_map(|(path, text)| Some((path, text::read(text, &limits).ok()?))).collect()
    });
    let path = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
    let path = path.strip_prefix("json-schema.org/")?;
    let is_known = dialect == Dialect::Modern || DRAFTS.iter().any(|(known, _)| *known == path);
    read.iter().find(|(known, _)| is_known && *known == path).map(|(_, json)| json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meta_schema_reads() {
        for (path, _) in DRAFTS.into_iter().chain(MODERN) {
            let uri = format!("https://json-schema.org/{path}");
            assert!(get(Dialect::Modern, &uri).is_some(), "{uri}");
            assert_eq!(get(Dialect::Draft7, &uri).is_some(), path.starts_with("draft-0"), "{uri}");
        }
        assert!(get(Dialect::Modern, "ftp://json-schema.org/draft-07/schema").is_none());
    }
}
