//! What `validateFields` refuses.

use crate::protobuf::parse;
use crate::{Limits, ResolvedReferences, Strictness};

/// What is found wrong with a text, if anything.
fn refusal(text: &str) -> Option<String> {
    refusal_with(text, &[])
}

fn refusal_with(text: &str, imports: &[(&str, &str)]) -> Option<String> {
    let texts = imports.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
    let schema = parse(text, &references, Strictness::New, &Limits::default());
    let schema = schema.unwrap_or_else(|error| panic!("{text}: {error}"));
    schema.validate(true).err().map(|error| error.to_string())
}

#[test]
fn maps_stand_only_where_entries_can_be_declared() {
    for (text, is_fine) in [
        ("message M { map<string, int32> a = 1; }", true),
        ("message M { oneof o { map<string, int32> a = 1; } }", false),
        ("message M { map<string, map<string, int32>> a = 1; }", false),
        ("message M { extensions 5; extend M { map<string, int32> a = 5; } }", false),
        // Groups get into no descriptor.
        ("message M { optional group G = 1 { map<string, map<string, M>> a = 1; } }", true),
    ] {
        let refusal = refusal(text);
        assert_eq!(refusal.is_none(), is_fine, "{text}: {refusal:?}");
        assert!(refusal.is_none_or(|refusal| refusal.contains("is not defined")), "{text}");
    }
}

#[test]
fn a_member_of_a_oneof_hides_a_plain_field_of_its_name() {
    assert_eq!(refusal("message M { optional int32 a = 1; oneof o { string a = 1; } }"), None);
    let twice = "message M { oneof o { string a = 1; } oneof p { string a = 2; } }";
    assert!(refusal(twice).is_some_and(|refusal| refusal.contains("already defined")));
}

#[test]
fn no_two_files_define_a_type_of_one_name() {
    let far = (
        "far.proto",
        "package p; message Far {} enum E { A = 0; } service S {} extend N { optional int32 x = 5; } message N { extensions 5, 6; }",
    );
    let near = ("near.proto", "import \"far.proto\"; message Near { optional p.Far far = 1; }");
    let main = |rest: &str| refusal_with(&format!("package p; import \"near.proto\"; {rest}"), &[far, near]);
    assert_eq!(main("message M {}"), None);
    for twin in ["message Far {}", "enum E { A = 0; }", "message M { optional Far far = 1; }"] {
        assert!(main(twin).is_some(), "{twin}");
    }
    // What else there is has a name of its own in each file.
    assert_eq!(main("service S {}"), None);
    assert_eq!(main("message E {}"), None);
    let package = ("near.proto", "package p.Far; message Near {}");
    let text = "package p; import \"near.proto\"; message Far {}";
    assert!(refusal_with(text, &[package]).is_some());
}

#[test]
fn defaults_are_read_as_the_library_reads_them() {
    for (field, is_fine) in [
        ("int32 a = 1 [default = -0]", true),
        ("uint32 a = 1 [default = 0x10]", true),
        ("uint32 a = 1 [default = 017]", true),
        ("uint32 a = 1 [default = 08]", false),
        ("uint32 a = 1 [default = -0]", false),
        ("fixed64 a = 1 [default = -1]", false),
        ("int32 a = 1 [default = 2147483648]", false),
        ("int32 a = 1 [default = 1.0]", false),
        ("float a = 1 [default = 1.5f]", true),
        ("double a = 1 [default = -inf]", true),
        ("double a = 1 [default = Infinity]", true),
        ("double a = 1 [default = infinity]", false),
        ("double a = 1 [default = 0x10]", false),
        ("bool a = 1 [default = maybe]", true),
        ("E a = 1 [default = B]", true),
        ("E a = 1 [default = 1]", false),
        ("M a = 1 [default = B]", false),
    ] {
        let refusal = refusal(&format!("message M {{ optional {field}; enum E {{ A = 0; B = 1; }} }}"));
        assert_eq!(refusal.is_none(), is_fine, "{field}: {refusal:?}");
    }
}
