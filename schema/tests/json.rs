//! What JSON Schema texts are accepted, how they are stored, named and tagged.
#![cfg(feature = "json")]
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use muster_schema::compatibility::CompatibilityPolicy::Strict;
use muster_schema::format::EntityTags;
use muster_schema::json::diff::diff;
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};

fn parse_with(text: &str, references: &[(&str, &str)]) -> Result<JsonSchema, ParseError> {
    let texts = references.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
    json::parse(text, &references, Strictness::New, &Limits::default())
}

fn parse(text: &str) -> JsonSchema {
    parse_with(text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The text with a `$schema` of each dialect, if it is an object: drafts 4, 6, 7, then the modern ones.
fn in_dialects(text: &str) -> [String; 5] {
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema",
        "https://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema#",
    ]
    .map(|schema| match text.strip_prefix('{') {
        Some("}") => format!("{{\"$schema\":\"{schema}\"}}"),
        Some(rest) => format!("{{\"$schema\":\"{schema}\",{rest}"),
        None => text.to_owned(),
    })
}

/// Checks in which dialects a text is accepted: `+` or `-` for draft 4, 6, 7 and for the modern ones.
fn check(text: &str, expected: &str) {
    let accepted: String =
        in_dialects(text).iter().map(|text| if parse_with(text, &[]).is_ok() { '+' } else { '-' }).collect();
    let (modern, drafts) = (&accepted[3..], &accepted[..3]);
    assert!(modern == "++" || modern == "--", "{text}: the modern dialects disagree");
    assert_eq!(format!("{drafts}{}", &modern[..1]), expected, "{text}");
}

#[test]
fn roots_are_objects_or_booleans() {
    for (text, expected) in [
        ("{}", true),
        ("true", true),
        (" false ", true),
        ("{} trailing", true),
        ("{\"default\":NaN,\"examples\":[Infinity,-Infinity]}", true),
        ("5", false),
        ("\"x\"", false),
        ("[]", false),
        ("null", false),
        ("", false),
        ("{", false),
        ("{'a':1}", false),
        ("{/**/}", false),
        ("{\"a\":1,}", false),
        ("{\"a\":-Infinite}", false),
        ("{\"a\":1e99999999999}", false),
        ("{\"$schema\":5}", false),
        ("{\"$schema\":\"http://unknown\"}", true),
    ] {
        assert_eq!(parse_with(text, &[]).is_ok(), expected, "{text}");
    }
    let error = parse_with("[1]", &[]).unwrap_err().to_string();
    assert_eq!(error, "Invalid JSON schema: expected an object or boolean at the root, found ARRAY");
}

#[test]
fn keywords_have_their_kinds() {
    for (text, expected) in [
        // Types.
        (r#"{"type":"string"}"#, "++++"),
        (r#"{"type":[]}"#, "++++"),
        (r#"{"type":["string","string"]}"#, "++++"),
        (r#"{"type":"any"}"#, "----"),
        (r#"{"type":null}"#, "----"),
        (r#"{"type":["string",null]}"#, "----"),
        // Whole numbers.
        (r#"{"minLength":-1}"#, "++++"),
        (r#"{"minLength":1.0}"#, "---+"),
        (r#"{"maxLength":1e2}"#, "---+"),
        (r#"{"maxItems":2147483648}"#, "---+"),
        (r#"{"minProperties":"1"}"#, "----"),
        (r#"{"minContains":"1"}"#, "++++"),
        (r#"{"contains":{},"minContains":"1"}"#, "++++"),
        // Numbers.
        (r#"{"minimum":1e400}"#, "++++"),
        (r#"{"maximum":true}"#, "----"),
        (r#"{"multipleOf":0}"#, "---+"),
        (r#"{"multipleOf":0.0}"#, "---+"),
        (r#"{"multipleOf":-2}"#, "++++"),
        (r#"{"exclusiveMinimum":true}"#, "+---"),
        (r#"{"exclusiveMaximum":5}"#, "-+++"),
        // Texts.
        (r#"{"title":5}"#, "----"),
        (r#"{"description":null}"#, "----"),
        (r#"{"format":null}"#, "----"),
        (r#"{"format":"made-up"}"#, "++++"),
        (r#"{"pattern":"["}"#, "----"),
        (r#"{"pattern":"(?=a)"}"#, "++++"),
        (r#"{"patternProperties":{"(":{}}}"#, "----"),
        // Lists.
        (r#"{"enum":[]}"#, "++++"),
        (r#"{"enum":{}}"#, "----"),
        (r#"{"required":[]}"#, "++++"),
        (r#"{"required":["a","a"]}"#, "++++"),
        (r#"{"required":true}"#, "----"),
        (r#"{"required":[1]}"#, "----"),
        (r#"{"allOf":[]}"#, "++++"),
        (r#"{"oneOf":[1]}"#, "----"),
        (r#"{"anyOf":{}}"#, "----"),
        // Schemas.
        (r#"{"properties":{"a":true}}"#, "++++"),
        (r#"{"properties":{"a":"string"}}"#, "----"),
        (r#"{"properties":null}"#, "----"),
        (r#"{"additionalProperties":[]}"#, "----"),
        (r#"{"additionalItems":"x"}"#, "---+"),
        (r#"{"items":[{}]}"#, "+++-"),
        (r#"{"items":true}"#, "-+++"),
        (r#"{"items":"x"}"#, "----"),
        (r#"{"uniqueItems":1}"#, "----"),
        (r#"{"not":[]}"#, "----"),
        // Keywords of later drafts are unknown to earlier ones.
        (r#"{"const":null}"#, "++++"),
        (r#"{"contains":5}"#, "+---"),
        (r#"{"propertyNames":"a"}"#, "+---"),
        (r#"{"if":5}"#, "++--"),
        (r#"{"then":5}"#, "++-+"),
        (r#"{"readOnly":"yes"}"#, "++--"),
        (r#"{"deprecated":"yes"}"#, "+++-"),
        (r#"{"prefixItems":{}}"#, "+++-"),
        (r#"{"dependentRequired":{"a":5}}"#, "+++-"),
        (r#"{"dependentSchemas":[]}"#, "+++-"),
        (r#"{"unevaluatedProperties":5}"#, "+++-"),
        // The nearest double counts.
        (r#"{"multipleOf":1e-400}"#, "---+"),
        (r#"{"multipleOf":1e400}"#, "---+"),
        (r#"{"dependencies":{"a":5}}"#, "---+"),
        (r#"{"dependencies":{"a":["b"],"c":{}}}"#, "++++"),
        (r#"{"dependencies":{"a":true}}"#, "-+++"),
        // Names.
        (r#"{"id":"a b"}"#, "-+++"),
        (r#"{"$id":"a b"}"#, "+---"),
        (r#"{"$id":5}"#, "+--+"),
        (r##"{"$id":"#a"}"##, "+++-"),
        (r##"{"$id":"http://e.com/x#a"}"##, "+++-"),
        (r##"{"$id":"http://e.com/x#"}"##, "++++"),
        (r##"{"properties":{"a":{"$id":"x#a"}}}"##, "++++"),
        (r#"{"$id":""}"#, "++++"),
        (r#"{"$anchor":"a b"}"#, "+++-"),
        (r#"{"$anchor":"1a"}"#, "++++"),
        (r#"{"$anchor":5}"#, "++++"),
        (r#"{"properties":{"a":{"$anchor":"n"},"b":{"$anchor":"n"}}}"#, "+++-"),
        (r#"{"properties":{"a":{"$id":"n"},"b":{"$id":"n"}}}"#, "+++-"),
        (r#"{"properties":{"a":{"$id":""}}}"#, "+++-"),
        (r#"{"enum":[{"$id":"n"}],"properties":{"a":{"$id":"n"}}}"#, "++++"),
        (r#"{"$id":"http://[x"}"#, "+---"),
        // A property of that name is taken for an id unless it is an object.
        (r#"{"properties":{"$id":"a"}}"#, "-++-"),
        (r#"{"properties":{"id":"a"}}"#, "+---"),
        (r#"{"properties":{"$id":{"type":"any"}}}"#, "----"),
        (r#"{"properties":{"a":{"$schema":5}}}"#, "+++-"),
        // Definitions.
        (r#"{"definitions":{"A":5}}"#, "+++-"),
        (r#"{"definitions":[]}"#, "++++"),
        (r#"{"$defs":{"A":null}}"#, "+++-"),
        (r#"{"$defs":[]}"#, "+++-"),
        (r#"{"properties":{"a":{"$defs":{"A":5}}}}"#, "+++-"),
        (r#"{"properties":{"a":{"definitions":{"A":5}}}}"#, "++++"),
        (r#"{"x-unknown":{"type":"any"}}"#, "++++"),
        (r#"{"$recursiveRef":5}"#, "++++"),
    ] {
        check(text, expected);
    }
}

#[test]
fn references_lead_somewhere_in_the_text() {
    for (text, expected) in [
        (r##"{"$ref":"#"}"##, "++++"),
        (r##"{"$ref":"#/"}"##, "+++-"),
        (r##"{"$ref":"#word"}"##, "+++-"),
        (r##"{"$ref":""}"##, "----"),
        (r###"{"$ref":"##"}"###, "----"),
        (r##"{"$ref":5}"##, "----"),
        (r##"{"$ref":"nope.json"}"##, "----"),
        (r##"{"$ref":"http://127.0.0.1/nope.json"}"##, "----"),
        (r##"{"$ref":"file:///etc/passwd"}"##, "----"),
        (r##"{"$ref":"#definitions/A","definitions":{"A":{}}}"##, "----"),
        (r##"{"$ref":"#/definitions/A","definitions":{"A":{}}}"##, "++++"),
        (r##"{"$ref":"#/$defs/A","definitions":{"A":{}}}"##, "++++"),
        (r##"{"$ref":"#/definitions/A","$defs":{"A":{}}}"##, "----"),
        (r##"{"$ref":"#/$defs/A","definitions":{"A":{}},"$defs":{"B":{}}}"##, "++++"),
        (r##"{"$ref":"#/$defs","definitions":{"A":{}}}"##, "++++"),
        (r##"{"$ref":"#/$defs/","definitions":{"A":{}}}"##, "+++-"),
        (r##"{"$ref":"#/definitions/Nope","definitions":{"A":{}}}"##, "----"),
        (r##"{"$ref":"#/allOf/1","allOf":[{},{}]}"##, "++++"),
        (r##"{"$ref":"#/allOf/2","allOf":[{},{}]}"##, "----"),
        (r##"{"$ref":"#/x/a~1b~0/%25%C3%9F","x":{"a/b~":{"%ß":{}}}}"##, "++++"),
        (r##"{"$ref":"#/title","title":"no schema"}"##, "----"),
        (r##"{"properties":{"a":{"$ref":"http://json-schema.org/draft-07/schema#"}}}"##, "++++"),
        // A boolean `exclusiveMinimum` is in it.
        (r##"{"$ref":"https://json-schema.org/draft-04/schema"}"##, "+++-"),
        (r##"{"$ref":"https://json-schema.org/draft/2020-12/schema"}"##, "---+"),
        (r##"{"$dynamicRef":"#nope"}"##, "+++-"),
        (r##"{"$dynamicRef":"#a","$defs":{"b":{"$dynamicAnchor":"a"}}}"##, "++++"),
        (r##"{"$ref":"#a","$defs":{"b":{"$anchor":"a"}}}"##, "++++"),
        (r##"{"$id":"http://e.com/r","$ref":"http://e.com/r#/x","x":{}}"##, "-+++"),
        (r##"{"id":"http://e.com/r","$ref":"http://e.com/r#/x","x":{}}"##, "+---"),
        // In drafts 4–7 what a reference comes to must be the very text of an id.
        (r##"{"$id":"http://e.com/r","$ref":"n","x":{"$id":"n"}}"##, "---+"),
        (r##"{"$id":"http://e.com/r","$ref":"n","x":{"$id":"http://e.com/n"}}"##, "-+++"),
        (r##"{"$ref":"n","x":{"$id":"f/","x":{"$id":"n"}}}"##, "-++-"),
        (r##"{"$id":"http://e.com/r","$ref":"#n","x":{"$id":"#n"}}"##, "++++"),
        (r##"{"items":{"$id":"f/","items":{"$ref":"g"},"x":{"$id":"g"}}}"##, "---+"),
        // A `+` in a pointer is a space.
        (r##"{"$ref":"#/definitions/a+b","definitions":{"a b":{}}}"##, "++++"),
        (r##"{"$ref":"#/definitions/a+b","definitions":{"a+b":{}}}"##, "----"),
        (r##"{"$ref":"#/definitions/a%2Bb","definitions":{"a+b":{}}}"##, "++++"),
    ] {
        check(text, expected);
    }
}

#[test]
fn references_lead_to_other_texts_by_name() {
    const DRAFT: &str = r#"{"properties":{"a":{"$ref":"@"}}}"#;
    const DRAFT_ID: &str = r#"{"$id":"http://e.com/x/root.json","properties":{"a":{"$ref":"@"}}}"#;
    const MODERN: &str =
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"a":{"$ref":"@"}}}"#;
    const MODERN_ID: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"http://e.com/x/root.json","properties":{"a":{"$ref":"@"}}}"#;
    let b = ("b.json", r#"{"type":"string","definitions":{"Q":{"type":"number"}}}"#);
    for (text, reference, names, expected) in [
        (DRAFT, "b.json", vec![b], true),
        (DRAFT, "b.json#", vec![b], true),
        (DRAFT, "b.json#/definitions/Q", vec![b], true),
        (DRAFT, "b.json#/$defs/Q", vec![b], true),
        (DRAFT, "b.json#/definitions/R", vec![b], false),
        (DRAFT, "./b.json", vec![b], false),
        (DRAFT, "c.json", vec![b], false),
        (DRAFT_ID, "b.json", vec![b], true),
        (DRAFT_ID, "http://e.com/x/b.json", vec![b], true),
        (DRAFT_ID, "http://e.com/b.json", vec![b], false),
        (DRAFT_ID, "../b.json", vec![("../b.json", b.1)], true),
        (DRAFT, "http://e.com/b.json", vec![("http://e.com/b.json", b.1)], true),
        (DRAFT, "urn:e:b", vec![("urn:e:b", b.1)], true),
        (MODERN, "b.json", vec![b], true),
        (MODERN, "./b.json", vec![b], true),
        (MODERN, "mem://input/b.json", vec![b], true),
        (MODERN, "b.json#/$defs/Q", vec![b], true),
        (MODERN, "c.json", vec![b], false),
        (MODERN_ID, "b.json", vec![b], true),
        (MODERN_ID, "./b.json", vec![b], true),
        (MODERN, "b.json", vec![("b.json", r#"{"$ref":"c.json"}"#), ("c.json", "{}")], true),
        (DRAFT, "b.json", vec![("b.json", r##"{"$ref":"#/definitions/x","definitions":{"x":{}}}"##)], true),
        (DRAFT, "b.json", vec![("b.json", r#"{"$ref":"c.json"}"#), ("c.json", "{}")], true),
        (DRAFT, "b.json", vec![("b.json", r#"{"$ref":"c.json"}"#)], false),
        (DRAFT, "b.json", vec![("b.json", r#"{"type":"any"}"#)], false),
        (
            DRAFT,
            "b.json",
            vec![("b.json", r##"{"$id":"http://o.com/b","$ref":"#/definitions/x","definitions":{"x":{}}}"##)],
            true,
        ),
        (r#"{"$id":"d/root.json","properties":{"a":{"$ref":"@"}}}"#, "b.json", vec![b], true),
        (r#"{"$id":"d/root.json","properties":{"a":{"$ref":"@"}}}"#, "d/b.json", vec![b], false),
        (DRAFT, "b.json", vec![("b.json", "{")], false),
    ] {
        let text = text.replace('@', reference);
        assert_eq!(parse_with(&text, &names).is_ok(), expected, "{text} with {names:?}");
    }
}

#[test]
fn the_meta_schemas_are_compared_like_any_other() {
    let draft = parse(r#"{"$ref":"http://json-schema.org/draft-07/schema#"}"#);
    let modern = parse(
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","$ref":"https://json-schema.org/draft/2020-12/schema"}"#,
    );
    let limits = Limits::default();
    assert_eq!(diff(&draft, &draft, Strict, &limits), []);
    let with_itself = diff(&modern, &modern, Strict, &limits);
    assert!(with_itself.iter().all(|found| found.kind.is_compatible(Strict)), "{with_itself:?}");
    assert!(!diff(&modern, &draft, Strict, &limits).is_empty());
}

#[test]
fn text_is_stored_compact_with_exact_numbers() {
    for (text, canonical, normalized) in [
        ("{ }", "{}", "{}"),
        (
            "{\"b\" : [1, {\"z\":1,\"y\":2}],\n\"a\":-0}",
            r#"{"b":[1,{"z":1,"y":2}],"a":0}"#,
            r#"{"a":0,"b":[1,{"y":2,"z":1}]}"#,
        ),
        (
            r#"{"x":[1.0,1.10,100000000.0,1e3,1E-7,0.1e1,-0.0,1e400,123456789012345678901234567890]}"#,
            r#"{"x":[1.0,1.10,100000000.0,1E+3,1E-7,1,0.0,1E+400,123456789012345678901234567890]}"#,
            r#"{"x":[1.0,1.10,100000000.0,1E+3,1E-7,1,0.0,1E+400,123456789012345678901234567890]}"#,
        ),
        (
            r#"{"title":"\/\u00e9\u007f\u2028\u0001"}"#,
            "{\"title\":\"/é\u{7f}\u{2028}\\u0001\"}",
            "{\"title\":\"/é\u{7f}\u{2028}\\u0001\"}",
        ),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, r#"{"a":2}"#),
        (
            r#"{"x":[NaN,Infinity,-Infinity]}"#,
            r#"{"x":["NaN","Infinity","-Infinity"]}"#,
            r#"{"x":["NaN","Infinity","-Infinity"]}"#,
        ),
        (
            r#"{"é":1,"z":1,"_":1,"Z":1,"$":1}"#,
            r#"{"é":1,"z":1,"_":1,"Z":1,"$":1}"#,
            r#"{"$":1,"Z":1,"_":1,"z":1,"é":1}"#,
        ),
    ] {
        let schema = parse(text);
        assert_eq!(schema.canonical(), canonical, "{text}");
        assert_eq!(schema.formatted("resolved"), canonical, "{text}");
        let again = schema.normalized().unwrap();
        assert_eq!(again.canonical(), normalized, "{text}");
        assert_eq!(again.normalized().unwrap().canonical(), normalized, "{text}");
        assert_eq!(parse(canonical).canonical(), canonical, "{text}");
    }
    assert!(parse("{ \"a\":1}").equivalent(&parse("{\"a\": 1}")));
    assert!(!parse("{\"a\":1,\"b\":1}").equivalent(&parse("{\"b\":1,\"a\":1}")));
}

#[test]
fn stored_text_need_not_load() {
    let stored =
        |text| json::parse(text, &ResolvedReferences::default(), Strictness::Stored, &Limits::default());
    for text in ["5", "[]", r#"{"type":"any"}"#, r#"{"$ref":"http://e.com/x"}"#] {
        let schema = stored(text).unwrap();
        assert!(schema.model().is_err(), "{text}");
        let found = diff(&schema, &parse("{}"), Strict, &Limits::default());
        assert_eq!(found.len(), 1, "{text}");
    }
    assert!(stored("{").is_err());
    let found =
        diff(&parse("{}"), &stored(r#"{"$ref":"http://e.com/x"}"#).unwrap(), Strict, &Limits::default());
    let message = found[0].text("new", "old");
    assert_eq!(message, "A previous schema version contains an unsupported external reference");
}

#[test]
fn names_and_fields_are_read_from_the_text() {
    let schema = parse(r#"{"title":"T","properties":{"b":{},"a":true}}"#);
    assert_eq!(schema.record_name().as_deref(), Some("T"));
    assert_eq!(schema.top_level_fields(), ["b", "a"]);
    assert!(schema.check_field_names().is_ok());
    assert!(parse(r#"{"properties":{"$$a":{}}}"#).check_field_names().is_err());
    assert!(parse(r#"{"properties":{"a":{"properties":{"$$a":{}}}}}"#).check_field_names().is_ok());
    assert_eq!(parse("true").record_name(), None);
}

const TAGGED: &str = r#"{"type":"object","confluent:tags":["R"],"properties":{"a":{"type":"string","confluent:tags":["A","B"]},"b":{"type":"object","confluent:tags":["C"],"properties":{"c.d":{"confluent:tags":["D"]}}},"l":{"type":"array","items":{"type":"object","confluent:tags":["E"],"properties":{"x":{"confluent:tags":["F"]}}}},"u":{"oneOf":[{"type":"string"},{"type":"object","properties":{"y":{"confluent:tags":["G"]}}}]},"n":{"not":{"type":"null","confluent:tags":["H"]}}},"definitions":{"A":{"type":"object","properties":{"z":{"confluent:tags":["I"]}}}}}"#;

#[test]
fn tags_are_found_with_their_paths() {
    let found: Vec<String> = parse(TAGGED)
        .inline_tags()
        .iter()
        .map(|entity| {
            format!(
                "{} {} {}",
                entity.path,
                if entity.is_field { "field" } else { "record" },
                entity.tags.join(",")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "object record R",
            "object.a field A,B",
            "object.b field C",
            "object.b.object.c.d field D",
            "object.l.array.object record E",
            "object.l.array.object.x field F",
            // Children count by kind: object, then string.
            "object.u.oneof.0.object.y field G",
            "object.n.not.null record H",
            "object.definitions.A.object.z field I",
        ]
    );
}

#[test]
fn tags_are_edited_in_place() {
    let tag = |path: &str, is_field, tags: &[&str]| EntityTags {
        path: path.to_owned(),
        is_field,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    for (text, add, remove, expected) in [
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
            vec![tag("object.a", true, &["X", "Y"])],
            vec![],
            Some(r#"{"type":"object","properties":{"a":{"type":"string","confluent:tags":["X","Y"]}}}"#),
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
            vec![tag(".object", false, &["X"])],
            vec![],
            Some(r#"{"type":"object","properties":{"a":{"type":"string"}},"confluent:tags":["X"]}"#),
        ),
        (
            r#"{"type":"object","confluent:tags":["A","B"]}"#,
            vec![tag("object", false, &["C", "A"])],
            vec![tag("object", false, &["B"])],
            Some(r#"{"type":"object","confluent:tags":["A","C"]}"#),
        ),
        (
            r#"{"type":"object","confluent:tags":["A"],"title":"t"}"#,
            vec![],
            vec![tag("object", false, &["A"])],
            Some(r#"{"type":"object","title":"t"}"#),
        ),
        (r#"{"type":"object"}"#, vec![], vec![tag("object", false, &["A"])], Some(r#"{"type":"object"}"#)),
        (r#"{"type":"object"}"#, vec![tag("object.a", true, &["A"])], vec![], None),
        (r#"{"type":"object"}"#, vec![], vec![tag("object.a", true, &["A"])], None),
        (r#"{"properties":{"a":true}}"#, vec![tag("object.a", true, &["A"])], vec![], None),
        ("true", vec![tag("object", false, &["A"])], vec![], None),
        (
            r#"{"oneOf":[{"type":"string"},{"type":"array","items":{"properties":{"p":{}}}}]}"#,
            vec![tag("oneof.0.array.object.p", true, &["A"])],
            vec![],
            Some(
                r#"{"oneOf":[{"type":"string"},{"type":"array","items":{"properties":{"p":{"confluent:tags":["A"]}}}}]}"#,
            ),
        ),
        (
            r#"{"if":{"properties":{"p":{}}},"then":{"properties":{"p":{}}}}"#,
            vec![tag("conditional.then.object.p", true, &["A"])],
            vec![],
            Some(r#"{"if":{"properties":{"p":{}}},"then":{"properties":{"p":{"confluent:tags":["A"]}}}}"#),
        ),
    ] {
        let edited = parse(text).with_tags(&add, &remove);
        assert_eq!(edited.ok().as_deref(), expected, "{text}");
    }
    // What is found can be edited.
    let schema = parse(TAGGED);
    let bare = parse(&schema.with_tags(&[], &schema.inline_tags()).unwrap());
    assert_eq!(bare.inline_tags(), []);
    let added = bare.with_tags(&schema.inline_tags(), &[]).unwrap();
    assert_eq!(parse(&added).inline_tags(), schema.inline_tags());
}
