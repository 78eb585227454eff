//! What is shown as a descriptor, and what one leaves empty.

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::{from_base64, to_base64};
use crate::protobuf::{ProtobufSchema, parse};
use crate::{Limits, ResolvedReferences, Strictness};

fn stored(text: &str) -> ProtobufSchema {
    parse(text, &ResolvedReferences::default(), Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn shown(text: &str) -> FileDescriptorProto {
    let serialized = stored(text).formatted("serialized").unwrap_or_else(|error| panic!("{text}: {error}"));
    from_base64(&serialized).expect("what is shown is a descriptor")
}

#[test]
fn an_import_is_listed_once_and_public_as_often_as_the_text_says() {
    let (any, empty) = ("google/protobuf/any.proto", "google/protobuf/empty.proto");
    let file = shown(&format!(
        "import public \"{any}\"; import \"{empty}\"; import \"{any}\"; import \"{empty}\"; \
         import public \"{any}\"; import public \"unknown.proto\";"
    ));
    assert_eq!(file.dependency, [empty, any]);
    assert_eq!(file.public_dependency, [1, 1]);
}

#[test]
fn a_member_of_a_oneof_hides_a_plain_field_of_its_name() {
    let file = shown("message M { optional int32 a = 1; optional int32 b = 2; oneof o { string a = 3; } }");
    let numbers: Vec<i32> = file.message_type[0].field.iter().map(FieldDescriptorProto::number).collect();
    assert_eq!(numbers, [3, 2]);
}

#[test]
fn messages_of_groups_come_before_those_of_maps_as_indexes_count_them() {
    let text = "message M { map<string, int32> a = 1; oneof o { group C = 3 { } int32 d = 4; } \
                optional group B = 2 { } message Z { } }";
    let schema = stored(text);
    let [.., file] = &schema.descriptors().expect("it links")[..] else { panic!("no file") };
    let linked: Vec<&str> = file.message_type[0].nested_type.iter().map(DescriptorProto::name).collect();
    let table = schema.message_table().expect("short names");
    let listed: Vec<&str> =
        table.messages[0].nested.iter().filter_map(|message| message.name.rsplit('.').next()).collect();
    assert_eq!(linked.len(), listed.len());
    assert_eq!(linked[0], "Z");
    for (linked, listed) in linked.iter().zip(&listed) {
        assert!(linked.eq_ignore_ascii_case(listed), "{linked} {listed}");
    }
}

#[test]
fn options_of_confluent_may_be_named_with_a_leading_dot() {
    let text = |name: &str| {
        let text = format!("import \"confluent/meta.proto\"; message M {{ option ({name}).doc = \"d\"; }}");
        stored(&text).formatted("serialized").expect("it links")
    };
    assert_eq!(text(".confluent.message_meta"), text("confluent.message_meta"));
    assert_ne!(text(".confluent.message_meta"), text("other.message_meta"));
}

#[test]
fn what_a_descriptor_leaves_empty() {
    let field = |kind, type_name: Option<&str>| FieldDescriptorProto {
        name: Some("a".to_owned()),
        number: Some(1),
        r#type: Some(kind as i32),
        type_name: type_name.map(str::to_owned),
        ..FieldDescriptorProto::default()
    };
    for (field, expected) in [
        (field(Type::Int32, None), "optional int32 a = 1;"),
        (field(Type::Message, Some(".M")), "optional .M a = 1;"),
        (field(Type::Message, None), "optional message a = 1;"),
        (field(Type::Enum, None), "optional enum a = 1;"),
        (field(Type::Group, None), "optional group a = 1;"),
    ] {
        let message =
            DescriptorProto { name: Some("M".to_owned()), field: vec![field], ..DescriptorProto::default() };
        let file = FileDescriptorProto {
            package: Some(String::new()),
            message_type: vec![message],
            ..FileDescriptorProto::default()
        };
        let schema = stored(&to_base64(&file.encode_to_vec()));
        assert_eq!(schema.canonical(), format!("\nmessage M {{\n  {expected}\n}}\n"));
    }
}
