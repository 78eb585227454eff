//! Pairs for rules that few schemas meet (schema formats spec §3.6), confirmed by a second implementation of the comparison
//! over the loaders that the reference uses.

use super::tests::{check, check_modern, listed};
use crate::compatibility::CompatibilityPolicy::Lenient;

#[test]
fn first_items_and_what_follows_them() {
    check(&[
        (
            r#"{"items":[{"type":"integer"}],"additionalItems":{"type":"integer"}}"#,
            r#"{"items":[{"type":"number"},{"type":"string"}],"additionalItems":{"type":"number"}}"#,
            &[
                "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/1",
                "TYPE_CHANGED #/items/1",
                "TYPE_EXTENDED #/additionalItems",
                "TYPE_EXTENDED #/items/0",
            ],
        ),
        (
            r#"{"items":[{},{}],"additionalItems":false}"#,
            r#"{"items":{"type":"string"}}"#,
            &[
                "ADDITIONAL_ITEMS_ADDED #/additionalItems",
                "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/0",
                "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/1",
                "SCHEMA_ADDED #/items",
            ],
        ),
        (
            r#"{"items":{"type":"string"}}"#,
            r#"{"items":[{"type":"string"}]}"#,
            &["ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/0", "SCHEMA_REMOVED #/items"],
        ),
    ]);
    check_modern(&[
        (
            r#"{"prefixItems":[{"type":"string"},{"type":"null"}],"items":{"type":"string"}}"#,
            r#"{"prefixItems":[{"type":"string"}],"items":{"type":"string"}}"#,
            &["ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/1", "TYPE_CHANGED #/items/1"],
        ),
        (
            r#"{"prefixItems":[{"type":"string"}],"items":false}"#,
            r#"{"prefixItems":[{"type":"string"},{"type":"null"}],"items":false}"#,
            &["ITEM_ADDED_TO_CLOSED_CONTENT_MODEL #/items/1"],
        ),
        (
            r#"{"prefixItems":[{"type":"string"},false],"items":false}"#,
            r#"{"prefixItems":[{"type":"string"}],"items":false}"#,
            &["ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1"],
        ),
        (
            r#"{"prefixItems":[{"type":"string"}],"unevaluatedItems":{"type":"number"}}"#,
            r#"{"prefixItems":[{"type":"string"},{"type":"integer"}],"unevaluatedItems":{"type":"number"}}"#,
            &["ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/1", "TYPE_NARROWED #/items/1"],
        ),
        (
            r#"{"items":{"type":"string"}}"#,
            r#"{"items":false}"#,
            &["ADDITIONAL_ITEMS_REMOVED #/additionalItems", "SCHEMA_REMOVED #/items"],
        ),
        (
            r#"{"prefixItems":[{}],"items":{"type":"string"}}"#,
            r#"{"items":{"type":"string"}}"#,
            &[
                "ADDITIONAL_ITEMS_EXTENDED #/additionalItems",
                "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL #/items/0",
                "SCHEMA_ADDED #/items",
            ],
        ),
    ]);
}

#[test]
fn partially_open_objects() {
    check(&[
        (
            r#"{"properties":{"x_a":{"type":"integer"}},"patternProperties":{"^x_":{"type":"number"}},"additionalProperties":false}"#,
            r#"{"properties":{},"patternProperties":{"^x_":{"type":"number"}},"additionalProperties":false}"#,
            &[
                "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/x_a",
                "TYPE_EXTENDED #/properties/x_a",
            ],
        ),
        (
            r#"{"properties":{"a":{"type":"string"}},"patternProperties":{"^x_":{"type":"number"}}}"#,
            r#"{"properties":{},"patternProperties":{"^x_":{"type":"number"}}}"#,
            &["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a"],
        ),
        (
            r#"{"additionalProperties":{"type":"string"}}"#,
            r#"{"properties":{"a":{"type":"string","default":"q"},"b":{"type":"null"}},"required":["a","b"],"additionalProperties":{"type":"string"}}"#,
            &[
                "DEFAULT_CHANGED #/properties/a",
                "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
                "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/b",
                "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/b",
                "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
                "TYPE_CHANGED #/properties/b",
            ],
        ),
        (
            r#"{"patternProperties":{"^a":{"type":"string"}},"additionalProperties":{"type":"number"}}"#,
            r#"{"patternProperties":{"^a":{"type":"string"}},"properties":{"ab":{"type":"string"},"b":{"type":"integer"}},"additionalProperties":{"type":"number"}}"#,
            &[
                "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/ab",
                "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/b",
                "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/ab",
                "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/b",
                "TYPE_NARROWED #/properties/b",
            ],
        ),
    ]);
    check_modern(&[
        (
            r#"{"properties":{"a":{"type":"string"}},"unevaluatedProperties":{"type":"string"}}"#,
            r#"{"unevaluatedProperties":{"type":"string"}}"#,
            &["PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a"],
        ),
        (
            r#"{"properties":{"a":{"type":"string"}},"unevaluatedProperties":true}"#,
            r#"{"properties":{"b":{"type":"string"}},"unevaluatedProperties":true}"#,
            &[
                "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b",
                "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL #/properties/a",
            ],
        ),
        (
            r#"{"additionalProperties":false,"unevaluatedProperties":{"type":"string"}}"#,
            r#"{"properties":{"a":{"type":"null"}},"additionalProperties":false,"unevaluatedProperties":{"type":"string"}}"#,
            &["OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a"],
        ),
    ]);
}

#[test]
fn choices_of_more_than_two() {
    check(&[
        (
            r#"{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"boolean"},{"type":"null"}]}"#,
            r#"{"oneOf":[{"type":"null"},{"type":"boolean"},{"type":"number"},{"type":"string"}]}"#,
            &["TYPE_EXTENDED #/oneOf/1"],
        ),
        (
            r#"{"anyOf":[{"type":"integer"},{"type":"number"}]}"#,
            r#"{"anyOf":[{"type":"number"},{"type":"integer"}]}"#,
            &[],
        ),
        (
            r#"{"oneOf":[{"type":"integer","title":"x"},{"type":"string"},{"type":"null"}]}"#,
            r#"{"oneOf":[{"type":"number"},{"type":"string"}]}"#,
            &["SUM_TYPE_NARROWED #/", "TITLE_CHANGED #/oneOf/0", "TYPE_EXTENDED #/oneOf/0"],
        ),
        (
            r#"{"allOf":[{"required":["a"]},{"minProperties":1},{"maxProperties":9}]}"#,
            r#"{"allOf":[{"minProperties":1},{"maxProperties":10}]}"#,
            &["MAX_PROPERTIES_INCREASED #/allOf/2/maxProperties", "PRODUCT_TYPE_NARROWED #/"],
        ),
        (
            r#"{"allOf":[{"type":"string"},{"minLength":1}]}"#,
            r#"{"anyOf":[{"type":"string"},{"minLength":1},{"type":"null"}]}"#,
            &["COMBINED_TYPE_EXTENDED #/", "SUM_TYPE_EXTENDED #/"],
        ),
        (
            r#"{"oneOf":[{"type":"string"}]}"#,
            r#"{"allOf":[{"type":"string"}]}"#,
            &["COMBINED_TYPE_EXTENDED #/"],
        ),
        (
            r#"{"oneOf":[{"type":"string"}]}"#,
            r#"{"allOf":[{"type":"string"},{"minLength":1}]}"#,
            &["COMBINED_TYPE_CHANGED #/"],
        ),
        (
            r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
            &["COMBINED_TYPE_CHANGED #/"],
        ),
        (
            r#"{"type":["string","null"]}"#,
            r#"{"oneOf":[{"type":"string"},{"type":"null"},{"type":"integer"}]}"#,
            &["COMBINED_TYPE_CHANGED #/"],
        ),
        (
            r#"{"type":["string","null","integer"]}"#,
            r#"{"type":["string","null"]}"#,
            &["SUM_TYPE_NARROWED #/"],
        ),
        (r#"false"#, r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#, &["SUM_TYPE_EXTENDED #/"]),
        (r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#, r#"true"#, &[]),
        (r#"{"allOf":[{"type":"string"},{"type":"null"}]}"#, r#"{}"#, &["PRODUCT_TYPE_NARROWED #/"]),
    ]);
}

#[test]
fn values_and_types() {
    check(&[
        (r#"{"const":1}"#, r#"{"enum":[1]}"#, &["TYPE_CHANGED #/"]),
        (r#"{"enum":[1,2]}"#, r#"{"enum":[2,3]}"#, &["ENUM_ARRAY_CHANGED #/enum"]),
        (r#"{"enum":[{"a":1,"b":2}]}"#, r#"{"enum":[{"b":2,"a":1},1]}"#, &["ENUM_ARRAY_EXTENDED #/enum"]),
        (
            r#"{"type":"string","enum":["a"]}"#,
            r#"{"enum":["a","b"]}"#,
            &["ENUM_ARRAY_EXTENDED #/enum", "PRODUCT_TYPE_NARROWED #/"],
        ),
        (
            r#"{"type":"integer"}"#,
            r#"{"type":["number","null"]}"#,
            &["SUM_TYPE_EXTENDED #/", "TYPE_EXTENDED #/"],
        ),
        (r#"{"type":["integer","null"]}"#, r#"{"type":["number","null"]}"#, &["TYPE_EXTENDED #/anyOf/0"]),
        (r#"{"type":"number","connect.type":"bytes"}"#, r#"{"type":"string","connect.type":"bytes"}"#, &[]),
    ]);
}

#[test]
fn dependencies_references_and_conditions() {
    check(&[
        (r#"{"not":{"type":"integer"}}"#, r#"{"not":{"type":"number"}}"#, &["NOT_TYPE_EXTENDED #/not"]),
        (r#"{"not":{"enum":[1,2]}}"#, r#"{"not":{"enum":[1]}}"#, &["NOT_TYPE_NARROWED #/not"]),
        (
            r#"{"properties":{"a":{"type":"integer","default":1}}}"#,
            r#"{"properties":{"a":{"type":"integer","default":1}},"required":["a","zz"]}"#,
            &["REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED #/required/a"],
        ),
        (
            r#"{"properties":{"a":false},"additionalProperties":false}"#,
            r#"{"additionalProperties":false}"#,
            &["PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a"],
        ),
        (r#"{"if":{"type":"string"},"then":{"minLength":1}}"#, r#"{"if":{"type":"null"}}"#, &[]),
        (
            r#"{"exclusiveMaximum":5,"maximum":10}"#,
            r#"{"exclusiveMaximum":4,"maximum":4}"#,
            &["EXCLUSIVE_MAXIMUM_DECREASED #/exclusiveMaximum", "MAXIMUM_DECREASED #/maximum"],
        ),
        (
            r#"{"exclusiveMaximum":5}"#,
            r#"{"exclusiveMaximum":4}"#,
            &["EXCLUSIVE_MAXIMUM_DECREASED #/exclusiveMaximum"],
        ),
    ]);
    check_modern(&[
        (
            r#"{"dependentRequired":{"a":["b"],"c":["d"]}}"#,
            r#"{"dependentRequired":{"a":["b","c"]}}"#,
            &["DEPENDENCY_ARRAY_EXTENDED #/dependencies/a", "DEPENDENCY_ARRAY_REMOVED #/dependencies/c"],
        ),
        (
            r#"{"dependentSchemas":{"a":{"type":"integer"}}}"#,
            r#"{"dependentSchemas":{"a":{"type":"number"},"b":{}}}"#,
            &["DEPENDENCY_SCHEMA_ADDED #/dependencies/b", "TYPE_EXTENDED #/dependencies/a"],
        ),
        (r#"{"type":"object","dependencies":{"a":["b"]}}"#, r#"{"type":"object"}"#, &[]),
        (
            r##"{"properties":{"a":{"$ref":"#/$defs/S","title":"x"}},"$defs":{"S":{"type":"string"}}}"##,
            r##"{"properties":{"a":{"$ref":"#/$defs/S"}},"$defs":{"S":{"type":"string"}}}"##,
            &[],
        ),
        (
            r##"{"$ref":"#/$defs/S","minLength":1,"$defs":{"S":{"type":"string"}}}"##,
            r##"{"$ref":"#/$defs/S","$defs":{"S":{"type":"string"}}}"##,
            &["PRODUCT_TYPE_NARROWED #/"],
        ),
    ]);
}

#[test]
fn what_lenience_lets_through_also_inside_choices() {
    for (writer, reader, expected) in [
        (
            r#"{"properties":{"a":{"type":"string"}}}"#,
            r#"{"oneOf":[{"properties":{"a":{"type":"string"},"b":{}},"additionalProperties":false},{"type":"null"}]}"#,
            vec![
                "ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties",
                "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b",
                "SUM_TYPE_EXTENDED #/",
            ],
        ),
        (
            r#"{"not":{"type":"object","properties":{"a":{},"b":{"type":"null"}}}}"#,
            r#"{"not":{"type":"object","properties":{"a":{}}}}"#,
            vec!["NOT_TYPE_NARROWED #/not"],
        ),
        (
            r#"{"allOf":[{"type":"object","additionalProperties":{}},{"type":"null"}]}"#,
            r#"{"allOf":[{"type":"object","additionalProperties":false}]}"#,
            vec!["ADDITIONAL_PROPERTIES_REMOVED #/allOf/0/additionalProperties", "PRODUCT_TYPE_NARROWED #/"],
        ),
        (
            r#"{"additionalProperties":{"properties":{"x":{}},"additionalProperties":false}}"#,
            r#"{"properties":{"a":{"additionalProperties":false}},"additionalProperties":{"properties":{"x":{}},"additionalProperties":false}}"#,
            vec![
                "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a",
                "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a",
                "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/a/properties/x",
            ],
        ),
        (
            r#"{"type":"array","items":[{}]}"#,
            r#"{"type":"array","items":[{},{"type":"null"}]}"#,
            vec!["ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1"],
        ),
    ] {
        assert_eq!(listed(writer, reader, Lenient), expected, "from {writer} to {reader}");
    }
}

/// What is inside a place of a modern schema is loaded once, however many references lead to the place itself.
#[test]
fn recursion_through_shared_places() {
    check_modern(&[
        (
            r##"{"properties":{"a":{"properties":{"r":{"$ref":"#"},"v":{"type":"integer"}}}}}"##,
            r##"{"properties":{"a":{"properties":{"r":{"$ref":"#"},"v":{"type":"number"}}}}}"##,
            &["TYPE_EXTENDED #/properties/a/properties/v"],
        ),
        (
            r##"{"properties":{"a":{"properties":{"r":{"$ref":"#"},"v":{"type":"number"}}}}}"##,
            r##"{"properties":{"a":{"properties":{"r":{"$ref":"#"},"v":{"type":"integer"}}}}}"##,
            &[
                "TYPE_NARROWED #/properties/a/properties/r/properties/a/properties/v",
                "TYPE_NARROWED #/properties/a/properties/v",
            ],
        ),
        (
            r##"{"oneOf":[{"type":"null"},{"type":"object","properties":{"r":{"$ref":"#"},"v":{"type":"integer"}}}]}"##,
            r##"{"oneOf":[{"type":"null"},{"type":"object","properties":{"r":{"$ref":"#"},"v":{"type":"number"}}}]}"##,
            &["TYPE_EXTENDED #/oneOf/1/properties/v"],
        ),
        (
            r##"{"oneOf":[{"type":"null"},{"type":"object","properties":{"r":{"$ref":"#"},"v":{"type":"number"}}}]}"##,
            r##"{"oneOf":[{"type":"null"},{"type":"object","properties":{"r":{"$ref":"#"},"v":{"type":"integer"}}}]}"##,
            &["COMBINED_TYPE_SUBSCHEMAS_CHANGED #/"],
        ),
        (
            r##"{"properties":{"t":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"a":{"$ref":"#/$defs/B"}}},"B":{"properties":{"r":{"$ref":"#/$defs/A"},"v":{"type":"integer"}}}}}"##,
            r##"{"properties":{"t":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"a":{"$ref":"#/$defs/B"}}},"B":{"properties":{"r":{"$ref":"#/$defs/A"},"v":{"type":"number"}}}}}"##,
            &["TYPE_EXTENDED #/properties/t/properties/a/properties/v"],
        ),
        (
            r##"{"properties":{"t":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"a":{"$ref":"#/$defs/B"}}},"B":{"properties":{"r":{"$ref":"#/$defs/A"},"v":{"type":"number"}}}}}"##,
            r##"{"properties":{"t":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"a":{"$ref":"#/$defs/B"}}},"B":{"properties":{"r":{"$ref":"#/$defs/A"},"v":{"type":"integer"}}}}}"##,
            &[
                "TYPE_NARROWED #/properties/t/properties/a/properties/r/properties/a/properties/v",
                "TYPE_NARROWED #/properties/t/properties/a/properties/v",
            ],
        ),
        (
            r##"{"properties":{"a":{"properties":{"b":{"properties":{"r":{"$ref":"#/properties/a"},"v":{"type":"integer"}}}}}}}"##,
            r##"{"properties":{"a":{"properties":{"b":{"properties":{"r":{"$ref":"#/properties/a"},"v":{"type":"number"}}}}}}}"##,
            &[
                "TYPE_EXTENDED #/properties/a/properties/b/properties/r/properties/b/properties/v",
                "TYPE_EXTENDED #/properties/a/properties/b/properties/v",
            ],
        ),
        (
            r##"{"properties":{"a":{"properties":{"b":{"properties":{"r":{"$ref":"#/properties/a"},"v":{"type":"number"}}}}}}}"##,
            r##"{"properties":{"a":{"properties":{"b":{"properties":{"r":{"$ref":"#/properties/a"},"v":{"type":"integer"}}}}}}}"##,
            &[
                "TYPE_NARROWED #/properties/a/properties/b/properties/r/properties/b/properties/r/properties/b/properties/v",
                "TYPE_NARROWED #/properties/a/properties/b/properties/r/properties/b/properties/v",
                "TYPE_NARROWED #/properties/a/properties/b/properties/v",
            ],
        ),
    ]);
}
