use super::*;
use crate::compatibility::CompatibilityPolicy::{Lenient, Strict};
use crate::json;
use crate::{ResolvedReferences, Strictness};

pub(super) fn listed(writer: &str, reader: &str, policy: CompatibilityPolicy) -> Vec<String> {
    let parse = |text: &str| {
        json::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let mut found: Vec<String> = diff(&parse(reader), &parse(writer), policy, &Limits::default())
        .iter()
        .map(|found| format!("{} {}", found.kind, found.path))
        .collect();
    found.sort();
    found
}

/// Writer, reader, and what changes on the way.
#[track_caller]
pub(super) fn check(cases: &[(&str, &str, &[&str])]) {
    for (writer, reader, expected) in cases {
        assert_eq!(listed(writer, reader, Strict), *expected, "from {writer} to {reader}");
    }
}

/// Adds the `$schema` of 2020-12.
fn modern(text: &str) -> String {
    text.replacen('{', "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",", 1).replace(",}", "}")
}

#[track_caller]
pub(super) fn check_modern(cases: &[(&str, &str, &[&str])]) {
    for (writer, reader, expected) in cases {
        let found = listed(&modern(writer), &modern(reader), Strict);
        assert_eq!(found, *expected, "from {writer} to {reader}");
    }
}

#[test]
fn limits_are_added_removed_and_moved() {
    let keywords = [
        ("maxLength", "MAX_LENGTH", "string"),
        ("minLength", "MIN_LENGTH", "string"),
        ("maximum", "MAXIMUM", "number"),
        ("minimum", "MINIMUM", "number"),
        ("exclusiveMinimum", "EXCLUSIVE_MINIMUM", "integer"),
        ("exclusiveMaximum", "EXCLUSIVE_MAXIMUM", "integer"),
        ("maxItems", "MAX_ITEMS", "array"),
        ("minItems", "MIN_ITEMS", "array"),
        ("maxProperties", "MAX_PROPERTIES", "object"),
        ("minProperties", "MIN_PROPERTIES", "object"),
    ];
    for (keyword, name, kind) in keywords {
        let with = |limit: u8| format!("{{\"type\":\"{kind}\",\"{keyword}\":{limit}}}");
        let without = format!("{{\"type\":\"{kind}\"}}");
        for (writer, reader, change) in [
            (without.clone(), with(1), "ADDED"),
            (with(1), without, "REMOVED"),
            (with(1), with(2), "INCREASED"),
            (with(2), with(1), "DECREASED"),
        ] {
            let expected = [format!("{name}_{change} #/{keyword}")];
            assert_eq!(listed(&writer, &reader, Strict), expected);
            assert_eq!(listed(&modern(&writer), &modern(&reader), Strict), expected);
        }
    }
}

#[test]
fn numbers_and_texts() {
    check(&[
        (r#"{"type":"integer"}"#, r#"{"type":"number"}"#, &["TYPE_EXTENDED #/"]),
        (r#"{"type":"number"}"#, r#"{"type":"integer"}"#, &["TYPE_NARROWED #/"]),
        (r#"{"multipleOf":2}"#, r#"{"multipleOf":4}"#, &["MULTIPLE_OF_EXPANDED #/multipleOf"]),
        (r#"{"multipleOf":4}"#, r#"{"multipleOf":2}"#, &["MULTIPLE_OF_REDUCED #/multipleOf"]),
        (r#"{"multipleOf":4}"#, r#"{"multipleOf":3}"#, &["MULTIPLE_OF_CHANGED #/multipleOf"]),
        (r#"{"multipleOf":0.5}"#, r#"{"multipleOf":0.50}"#, &[]),
        (r#"{"multipleOf":10}"#, r#"{"multipleOf":1e1}"#, &[]),
        (r#"{"multipleOf":0.5}"#, r#"{"multipleOf":-0.5}"#, &["MULTIPLE_OF_EXPANDED #/multipleOf"]),
        (r#"{"maximum":1.0}"#, r#"{"maximum":1}"#, &[]),
        (r#"{"pattern":"a"}"#, r#"{"pattern":"b"}"#, &["PATTERN_CHANGED #/pattern"]),
        (r#"{"type":"string","format":"date"}"#, r#"{"type":"string"}"#, &[]),
        // A bound that sinks below another that was already lower.
        (r#"{"maximum":4,"exclusiveMaximum":4}"#, r#"{"maximum":4,"exclusiveMaximum":0}"#, &[]),
        (
            r#"{"title":"a","description":"b","default":1}"#,
            r#"{"title":"c","default":1.0}"#,
            &["DEFAULT_CHANGED #/", "DESCRIPTION_CHANGED #/", "TITLE_CHANGED #/"],
        ),
        (r#"{"$id":"http://e.com/a"}"#, r#"{"$id":"http://e.com/b"}"#, &["ID_CHANGED #/"]),
    ]);
    check_modern(&[(r#"{"$id":"http://e.com/a"}"#, r#"{"$id":"http://e.com/b"}"#, &[])]);
}

#[test]
fn kinds_and_values() {
    check(&[
        (r#"{"type":"string"}"#, r#"{"type":"null"}"#, &["TYPE_CHANGED #/"]),
        (r#"{"type":"string"}"#, "true", &[]),
        (r#"{"type":"string"}"#, "{}", &[]),
        ("{}", r#"{"type":"string"}"#, &["TYPE_CHANGED #/"]),
        ("false", r#"{"type":"string"}"#, &[]),
        ("true", "false", &["TYPE_CHANGED #/"]),
        (r#"{"enum":[1,2]}"#, r#"{"enum":[2,1,3]}"#, &["ENUM_ARRAY_EXTENDED #/enum"]),
        (r#"{"enum":[1,2,2]}"#, r#"{"enum":[2]}"#, &["ENUM_ARRAY_NARROWED #/enum"]),
        (r#"{"enum":[1]}"#, r#"{"enum":[1.0]}"#, &["ENUM_ARRAY_CHANGED #/enum"]),
        (r#"{"enum":[{"a":1,"b":2}]}"#, r#"{"enum":[{"b":2,"a":1}]}"#, &[]),
        (r#"{"const":1}"#, r#"{"const":2}"#, &["ENUM_ARRAY_CHANGED #/const"]),
        (r#"{"const":null}"#, r#"{"const":null}"#, &[]),
        (r#"{"const":1}"#, r#"{"enum":[1]}"#, &["TYPE_CHANGED #/"]),
        (r#"{"not":{"type":"number"}}"#, r#"{"not":{"type":"integer"}}"#, &["NOT_TYPE_NARROWED #/not"]),
        (r#"{"not":{"type":"integer"}}"#, r#"{"not":{"type":"number"}}"#, &["NOT_TYPE_EXTENDED #/not"]),
        (r#"{"if":{"type":"null"}}"#, r#"{"if":{"type":"string"},"then":{}}"#, &[]),
    ]);
}

#[test]
fn objects() {
    check(&[
        (
            r#"{"properties":{"a":{},"b":{},"c":{}},"required":["a"]}"#,
            r#"{"properties":{"a":{},"b":{"default":1},"c":{}},"required":["b","c","d"]}"#,
            &[
                "DEFAULT_CHANGED #/properties/b",
                "REQUIRED_ATTRIBUTE_ADDED #/required/c",
                "REQUIRED_ATTRIBUTE_REMOVED #/required/a",
                "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED #/required/b",
            ],
        ),
        (
            r#"{"properties":{"a":false,"b":{}},"additionalProperties":false}"#,
            r#"{"properties":{},"additionalProperties":false}"#,
            &[
                "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/b",
                "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a",
            ],
        ),
        (
            r#"{"properties":{"a":{"type":"string"},"b":{"type":"null"}},"additionalProperties":{"type":"string"}}"#,
            r#"{"properties":{},"additionalProperties":{"type":"string"}}"#,
            &[
                "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
                "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/b",
                "TYPE_CHANGED #/properties/b",
            ],
        ),
        (
            r#"{"properties":{}}"#,
            r#"{"properties":{"a":{},"b":true,"c":{"type":"null"},"d":{"type":"null"},"e":{"type":"null","default":null}},"required":["b","d","e"]}"#,
            &[
                "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/c",
                "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a",
                "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b",
                "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/d",
                "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL #/properties/e",
            ],
        ),
        (
            r#"{"properties":{},"additionalProperties":false}"#,
            r#"{"properties":{"a":{},"b":{},"c":{"default":1}},"required":["b","c"],"additionalProperties":false}"#,
            &[
                "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
                "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/b",
                "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/c",
            ],
        ),
        // Where there are patterns, a name that matches none is closed.
        (
            r#"{"patternProperties":{"^x":{"type":"string"}}}"#,
            r#"{"patternProperties":{"^x":{"type":"string"}},"properties":{"a":{},"x":{"type":"null"}}}"#,
            &[
                "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
                "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/x",
                "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/x",
                "TYPE_CHANGED #/properties/x",
            ],
        ),
        (
            r#"{"dependencies":{"a":["x"],"b":["x"],"c":["x","y"],"d":["x"],"e":[],"f":{},"h":{"type":"null"}}}"#,
            r#"{"dependencies":{"b":["x","y"],"c":["y"],"d":["y"],"e":["x"],"g":{},"h":{"type":"string"}}}"#,
            &[
                "DEPENDENCY_ARRAY_ADDED #/dependencies/e",
                "DEPENDENCY_ARRAY_CHANGED #/dependencies/d",
                "DEPENDENCY_ARRAY_EXTENDED #/dependencies/b",
                "DEPENDENCY_ARRAY_NARROWED #/dependencies/c",
                "DEPENDENCY_ARRAY_REMOVED #/dependencies/a",
                "DEPENDENCY_SCHEMA_ADDED #/dependencies/g",
                "DEPENDENCY_SCHEMA_REMOVED #/dependencies/f",
                "TYPE_CHANGED #/dependencies/h",
            ],
        ),
        (
            r#"{"additionalProperties":false}"#,
            r#"{"additionalProperties":{}}"#,
            &["ADDITIONAL_PROPERTIES_ADDED #/additionalProperties"],
        ),
        (
            r#"{"additionalProperties":true}"#,
            r#"{"additionalProperties":false}"#,
            &["ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties"],
        ),
        (
            r#"{"additionalProperties":true}"#,
            r#"{"additionalProperties":{}}"#,
            &["ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties"],
        ),
        (
            r#"{"additionalProperties":{}}"#,
            r#"{"additionalProperties":true}"#,
            &["ADDITIONAL_PROPERTIES_EXTENDED #/additionalProperties"],
        ),
        (
            r#"{"additionalProperties":{"type":"integer"}}"#,
            r#"{"additionalProperties":{"type":"number"}}"#,
            &["TYPE_EXTENDED #/additionalProperties"],
        ),
    ]);
    let unevaluated = |value: Option<&str>| {
        let member = value.map(|value| format!(",\"unevaluatedProperties\":{value}")).unwrap_or_default();
        modern(&format!("{{\"type\":\"object\"{member}}}"))
    };
    for (writer, reader, expected) in [
        (None, Some("false"), "REMOVED"),
        (None, Some("{}"), "NARROWED"),
        (Some("false"), None, "ADDED"),
        (Some("true"), None, "EXTENDED"),
        (Some("false"), Some("{}"), "ADDED"),
        (Some("{}"), Some("false"), "REMOVED"),
        (Some("true"), Some(r#"{"type":"null"}"#), "NARROWED"),
        (Some(r#"{"type":"null"}"#), Some("{}"), "EXTENDED"),
    ] {
        let expected = [format!("UNEVALUATED_PROPERTIES_{expected} #/unevaluatedProperties")];
        assert_eq!(
            listed(&unevaluated(writer), &unevaluated(reader), Strict),
            expected,
            "{writer:?} {reader:?}"
        );
    }
}

#[test]
fn arrays() {
    check(&[
        (r#"{"type":"array"}"#, r#"{"type":"array","items":{}}"#, &["SCHEMA_ADDED #/items"]),
        (r#"{"type":"array","items":{}}"#, r#"{"type":"array"}"#, &["SCHEMA_REMOVED #/items"]),
        (
            r#"{"items":[{}]}"#,
            r#"{"items":[{},true]}"#,
            &["ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/items/1"],
        ),
        (
            r#"{"items":[{}]}"#,
            r#"{"items":[{},{"type":"null"}]}"#,
            &["ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1"],
        ),
        (r#"{"items":[{},{}]}"#, r#"{"items":[{}]}"#, &["ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/1"]),
        (
            r#"{"items":[{}],"additionalItems":false}"#,
            r#"{"items":[{},{}],"additionalItems":false}"#,
            &["ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/1"],
        ),
        (
            r#"{"items":[{},{},false],"additionalItems":false}"#,
            r#"{"items":[{}],"additionalItems":false}"#,
            &[
                "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1",
                "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/2",
            ],
        ),
        (
            r#"{"items":[{"type":"integer"},{"type":"null"}],"additionalItems":{"type":"number"}}"#,
            r#"{"items":[],"additionalItems":{"type":"number"}}"#,
            &[
                "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/0",
                "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/1",
                "TYPE_CHANGED #/items/1",
                "TYPE_EXTENDED #/items/0",
            ],
        ),
        (r#"{"uniqueItems":false}"#, r#"{"uniqueItems":true}"#, &["UNIQUE_ITEMS_ADDED #/uniqueItems"]),
        (r#"{"uniqueItems":true}"#, r#"{"uniqueItems":false}"#, &["UNIQUE_ITEMS_REMOVED #/uniqueItems"]),
    ]);
    check_modern(&[
        (
            r#"{"prefixItems":[{}],"items":{}}"#,
            r#"{"prefixItems":[{}],"items":false}"#,
            &["ADDITIONAL_ITEMS_REMOVED #/additionalItems"],
        ),
        (r#"{"type":"array"}"#, r#"{"items":true}"#, &[]),
        // A schema that says nothing is as good as `true`.
        (r#"{"unevaluatedItems":true}"#, r#"{"unevaluatedItems":{}}"#, &[]),
        (
            r#"{"prefixItems":[{}],"unevaluatedItems":{}}"#,
            r#"{"unevaluatedItems":{}}"#,
            &["ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/0"],
        ),
        (
            r#"{"contains":{}}"#,
            r#"{"contains":{"type":"null"},"minContains":2}"#,
            &["MIN_CONTAINS_INCREASED #/minContains"],
        ),
        (
            r#"{"contains":{},"maxContains":3}"#,
            r#"{"contains":{},"maxContains":2}"#,
            &["MAX_CONTAINS_DECREASED #/maxContains"],
        ),
        (
            r#"{"type":"array"}"#,
            r#"{"unevaluatedItems":false}"#,
            &["UNEVALUATED_ITEMS_REMOVED #/unevaluatedItems"],
        ),
    ]);
}

#[test]
fn combinations() {
    check(&[
        (
            r#"{"type":"string"}"#,
            r#"{"oneOf":[{"type":"null"},{"type":"string"}]}"#,
            &["SUM_TYPE_EXTENDED #/"],
        ),
        (r#"{"type":"string"}"#, r#"{"allOf":[{"type":"string"}]}"#, &[]),
        (r#"{"type":"string"}"#, r#"{"allOf":[{"type":"string"},{}]}"#, &["TYPE_CHANGED #/"]),
        (
            r#"{"allOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"type":"null"}"#,
            &["PRODUCT_TYPE_NARROWED #/"],
        ),
        (r#"{"anyOf":[{"type":"string"}]}"#, r#"{"type":"string"}"#, &[]),
        (r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#, r#"{"type":"null"}"#, &["TYPE_CHANGED #/"]),
        (
            r#"{"allOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
            &["COMBINED_TYPE_CHANGED #/"],
        ),
        (
            r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"anyOf":[{"type":"null"},{"type":"string"}]}"#,
            &["COMBINED_TYPE_EXTENDED #/"],
        ),
        (
            r#"{"allOf":[{"type":"string"}]}"#,
            r#"{"allOf":[{"type":"string"},{"minLength":1}]}"#,
            &["PRODUCT_TYPE_EXTENDED #/"],
        ),
        (
            r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"oneOf":[{"type":"boolean"},{"type":"null"}]}"#,
            &["COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
        ),
        // Children of the same text count once, as the reference prints them.
        (r#"{"oneOf":[{"type":"null"},{"type":"null"}]}"#, r#"{"oneOf":[{"type":"null"}]}"#, &[]),
        (r#"{"oneOf":[{"enum":[1,"a"]},{"enum":["a",1]}]}"#, r#"{"oneOf":[{"enum":[1,"a"]}]}"#, &[]),
        (r#"{"oneOf":[{"maximum":1},{"maximum":1.0}]}"#, r#"{"oneOf":[{"maximum":1}]}"#, &[]),
        (
            r#"{"oneOf":[{"type":["null","string"]},{"anyOf":[{"type":"null"},{"type":"string"}]}]}"#,
            r#"{"oneOf":[{"type":["null","string"]}]}"#,
            &[],
        ),
        (
            r#"{"oneOf":[{"properties":{}},{"items":[]},{"format":"odd"},{}]}"#,
            r#"{"oneOf":[{"properties":{}}]}"#,
            &[],
        ),
        (
            r#"{"oneOf":[{"enum":[1],"type":"null"},{"allOf":[{"enum":[1]},{"type":"null"}]}]}"#,
            r#"{"oneOf":[{"enum":[1],"type":"null"}]}"#,
            &["SUM_TYPE_NARROWED #/"],
        ),
        // Children are numbered as in the writer's schema.
        (
            r#"{"anyOf":[{"type":"string"},{"anyOf":[{"type":"integer"}]}]}"#,
            r#"{"anyOf":[{"type":"string","title":"t"},{"anyOf":[{"type":"number"}]}]}"#,
            &["TITLE_CHANGED #/anyOf/0", "TYPE_EXTENDED #/anyOf/1/anyOf/0"],
        ),
    ]);
}

/// Where the parts of a modern schema stand when keywords of several types are side by side.
#[test]
fn parts_of_modern_schemas() {
    check_modern(&[
        // In source order, `properties` and its like last.
        (
            r#"{"maxItems":1,"type":"integer"}"#,
            r#"{"maxItems":2,"type":"integer"}"#,
            &["MAX_ITEMS_INCREASED #/allOf/0/maxItems"],
        ),
        (
            r#"{"type":"integer","maxItems":1}"#,
            r#"{"type":"integer","maxItems":2}"#,
            &["MAX_ITEMS_INCREASED #/allOf/1/maxItems"],
        ),
        (
            r#"{"properties":{"a":{"type":"integer"}},"enum":[1]}"#,
            r#"{"properties":{"a":{"type":"number"}},"enum":[1]}"#,
            &["TYPE_EXTENDED #/allOf/1/properties/a"],
        ),
        (
            r#"{"not":{},"anyOf":[{"minLength":2}]}"#,
            r#"{"not":{},"anyOf":[{"minLength":1}]}"#,
            &["MIN_LENGTH_DECREASED #/allOf/1/anyOf/0/minLength", "NOT_TYPE_NARROWED #/allOf/0/not"],
        ),
        // A keyword joins a list of types that stands alone, before or after it.
        (
            r#"{"type":["string","null"],"minLength":2}"#,
            r#"{"type":["string","null"],"minLength":1}"#,
            &["MIN_LENGTH_DECREASED #/anyOf/0/minLength"],
        ),
        (
            r#"{"minLength":2,"type":["string","null"]}"#,
            r#"{"minLength":1,"type":["string","null"]}"#,
            &["MIN_LENGTH_DECREASED #/anyOf/0/minLength"],
        ),
        (
            r#"{"type":["string","null"],"minimum":1,"minLength":2}"#,
            r#"{"type":["string","null"],"minimum":1,"minLength":1}"#,
            &["MIN_LENGTH_DECREASED #/allOf/2/minLength"],
        ),
        (
            r#"{"type":["string","null"],"format":"email","minLength":2}"#,
            r#"{"type":["string","null"],"format":"email","minLength":1}"#,
            &["MIN_LENGTH_DECREASED #/allOf/1/minLength"],
        ),
        // Names of schemas and defaults of null leave no trace.
        (r#"{"properties":{"a":{"$id":"b"}}}"#, r#"{"properties":{"a":{"$id":"c","default":null}}}"#, &[]),
        // Nor do keywords that need another, or empty lists of names.
        (
            r#"{"oneOf":[{"type":"null","minContains":2},{"type":"null","then":{}}]}"#,
            r#"{"oneOf":[{"type":"null"}]}"#,
            &[],
        ),
        (
            r#"{"dependentRequired":{"a":["b"]}}"#,
            r#"{"dependentRequired":{"a":[]}}"#,
            &["DEPENDENCY_ARRAY_REMOVED #/dependencies/a"],
        ),
        // An empty list of first items is none.
        (
            r#"{"prefixItems":[],"items":{"type":"integer"}}"#,
            r#"{"items":{"type":"number"}}"#,
            &["TYPE_EXTENDED #/items"],
        ),
    ]);
}

#[test]
fn what_drafts_4_to_7_keep() {
    check(&[
        // Counts of what an array contains are compared although these drafts do not know them.
        (r#"{"contains":{}}"#, r#"{"contains":{},"maxContains":2}"#, &["MAX_CONTAINS_ADDED #/maxContains"]),
        (
            r#"{"type":"array","minContains":2}"#,
            r#"{"type":"array","minContains":1.5}"#,
            &["MIN_CONTAINS_DECREASED #/minContains"],
        ),
        // There are no additional items beside a schema of all items.
        (r#"{"items":{}}"#, r#"{"items":{},"additionalItems":false}"#, &[]),
        (
            r#"{"type":"array"}"#,
            r#"{"type":"array","additionalItems":false}"#,
            &["ADDITIONAL_ITEMS_REMOVED #/additionalItems"],
        ),
        (r#"{"default":null}"#, r#"{}"#, &["DEFAULT_CHANGED #/"]),
    ]);
}

#[test]
fn references() {
    check(&[
        // What a reference leads to is taken as it is, even if it is another reference.
        (
            r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"type":"string"}}}"##,
            r#"{"type":"string"}"#,
            &["TYPE_CHANGED #/"],
        ),
        (
            r##"{"properties":{"t":{"$ref":"#/definitions/A"}},"definitions":{"A":{"properties":{"n":{"$ref":"#/definitions/A"}}}}}"##,
            r##"{"properties":{"t":{"$ref":"#/definitions/A"}},"definitions":{"A":{"properties":{"n":{"$ref":"#/definitions/A"},"v":{"type":"string"}}}}}"##,
            &[
                "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/t/properties/n/properties/v",
                "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/t/properties/v",
            ],
        ),
    ]);
    check_modern(&[(
        r##"{"properties":{"t":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"n":{"$ref":"#/$defs/A"},"v":{"type":"string"}}}}}"##,
        r##"{"properties":{"t":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"n":{"$ref":"#/$defs/A"}}}}}"##,
        &[
            "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL #/properties/t/properties/n/properties/v",
            "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL #/properties/t/properties/v",
        ],
    )]);
}

#[test]
fn the_policy_decides_what_is_compatible_and_so_what_is_found() {
    let (writer, reader) = (
        r#"{"properties":{"a":{"type":"null"}}}"#,
        r#"{"oneOf":[{"properties":{"a":{"type":"null"},"b":{"type":"null"}}}]}"#,
    );
    assert_eq!(listed(writer, reader, Strict), ["TYPE_CHANGED #/"]);
    assert_eq!(
        listed(writer, reader, Lenient),
        ["OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b"]
    );
    for kind in DifferenceKind::ALL {
        assert!(kind.is_compatible(Lenient) || !kind.is_compatible(Strict), "{kind}");
    }
}
