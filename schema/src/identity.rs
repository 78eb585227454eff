//! The content hash of a schema (schema formats spec §4.1–4.2, registry API spec §10.3).

use md5::{Digest, Md5};

use crate::ids::Guid;
use crate::metadata::{Metadata, Rule, RuleSet};
use crate::reference::SchemaReference;

/// Computes the guid of a schema: MD5 over its canonical text, references, metadata and rule set.
///
/// The schema type, subject, version and id are not part of it. Strings are hashed as UTF-8 without separators;
/// absent ones contribute nothing; sets and maps are sorted by UTF-16 code unit.
pub fn content_guid(
    text: &str,
    references: &[SchemaReference],
    metadata: Option<&Metadata>,
    rule_set: Option<&RuleSet>,
) -> Guid {
    let mut hash = Md5::new();
    hash.update(text);
    for reference in references {
        hash.update(&reference.name);
        hash.update(&reference.subject);
        hash.update(reference.version.0.to_be_bytes());
    }
    if let Some(metadata) = metadata {
        hash.update([1]);
        hash_metadata(&mut hash, metadata);
    }
    if let Some(rule_set) = rule_set {
        hash.update([1]);
        hash_rule_set(&mut hash, rule_set);
    }
    Guid(hash.finalize().into())
}

fn hash_metadata(hash: &mut Md5, metadata: &Metadata) {
    for (path, tags) in by_utf16(metadata.tags.iter().flatten(), |(path, _)| path) {
        hash.update(path);
        for tag in by_utf16(tags, |tag| tag) {
            hash.update(tag);
        }
    }
    for (key, value) in by_utf16(metadata.properties.iter().flatten(), |(key, _)| key) {
        hash.update(key);
        hash.update(value);
    }
    for name in by_utf16(metadata.sensitive.iter().flatten(), |name| name) {
        hash.update(name);
    }
}

fn hash_rule_set(hash: &mut Md5, rule_set: &RuleSet) {
    let lists = [&rule_set.migration_rules, &rule_set.domain_rules, &rule_set.encoding_rules];
    for rule in lists.into_iter().flatten().flatten() {
        hash_rule(hash, rule);
    }
    hash.update(rule_set.enable_at.as_deref().unwrap_or_default());
}

fn hash_rule(hash: &mut Md5, rule: &Rule) {
    hash.update(rule.name.as_deref().unwrap_or_default());
    hash.update(rule.doc.as_deref().unwrap_or_default());
    hash.update(rule.kind.as_deref().unwrap_or("TRANSFORM"));
    hash.update(rule.mode.as_deref().unwrap_or("WRITEREAD"));
    hash.update(rule.rule_type.as_deref().unwrap_or_default());
    for tag in by_utf16(rule.tags.iter().flatten(), |tag| tag) {
        hash.update(tag);
    }
    for (key, value) in by_utf16(rule.params.iter().flatten(), |(key, _)| key) {
        hash.update(key);
        hash.update(value);
    }
    for text in [&rule.expr, &rule.on_success, &rule.on_failure] {
        hash.update(text.as_deref().unwrap_or_default());
    }
    if rule.disabled {
        hash.update([1]);
    }
}

/// Sorts by UTF-16 code units, which is Java's string order and differs from UTF-8 order above U+FFFF.
fn by_utf16<T>(items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> &String) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_by(|a, b| crate::subject::utf16_order(key(a), key(b)));
    items
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ids::Version;

    fn reference(version: i32) -> SchemaReference {
        SchemaReference { name: "a.B".into(), subject: "b-value".into(), version: Version(version) }
    }

    #[test]
    fn guid_covers_text_references_metadata_and_rules() {
        let text = "\"string\"";
        let owned = |items: &[&str]| items.iter().map(|s| (*s).to_owned()).collect();
        let metadata = Metadata {
            tags: Some(BTreeMap::from([("z".into(), owned(&["PII", "A"])), ("a".into(), owned(&["x"]))])),
            properties: Some(BTreeMap::from([
                ("owner".into(), "é".into()),
                ("confluent:version".into(), "2".into()),
            ])),
            sensitive: Some(owned(&["owner"])),
        };
        let rule = Rule {
            name: Some("r1".into()),
            kind: Some("CONDITION".into()),
            mode: Some("WRITE".into()),
            rule_type: Some("CEL".into()),
            expr: Some("true".into()),
            disabled: true,
            ..Rule::default()
        };
        let rules =
            RuleSet { domain_rules: Some(vec![rule]), enable_at: Some("ALL".into()), ..RuleSet::default() };
        let cases = [
            (content_guid(text, &[], None, None), "095d71cf-1255-6b9d-5e33-0ad575b3df5d"),
            (content_guid(text, &[reference(3)], None, None), "39d724ee-d24c-dd10-3786-9c24af74ec66"),
            (content_guid(text, &[reference(-1)], None, None), "0be476fd-3a15-a1ae-b0d1-294f9e00c6ab"),
            (
                content_guid(text, &[], Some(&Metadata::default()), None),
                "cecc02e2-232b-87f1-1b0c-aa0e70dbb74d",
            ),
            (
                content_guid(text, &[], None, Some(&RuleSet::default())),
                "cecc02e2-232b-87f1-1b0c-aa0e70dbb74d",
            ),
            (content_guid(text, &[], Some(&metadata), None), "eb9cb844-46df-9d77-4ca3-e16a838eb1f3"),
            (content_guid(text, &[], None, Some(&rules)), "1f5a7e1b-090b-4dff-e5d4-fac1e0c1af8d"),
        ];
        for (guid, expected) in cases {
            assert_eq!(guid.to_string(), expected);
        }
    }
}
