//! What the walker accepts, byte by byte.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, OneofDescriptorProto,
};

use super::*;

fn field(number: i32, label: Label, r#type: Type) -> FieldDescriptorProto {
    let mut field =
        FieldDescriptorProto { name: Some(format!("f{number}")), number: Some(number), ..Default::default() };
    field.set_label(label);
    field.set_type(r#type);
    field
}

fn optional(number: i32, r#type: Type) -> FieldDescriptorProto {
    field(number, Label::Optional, r#type)
}

fn named(name: &str, field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { type_name: Some(name.to_owned()), ..field }
}

fn message(name: &str, fields: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field: fields, ..Default::default() }
}

fn file(syntax: &str, messages: Vec<DescriptorProto>) -> FileDescriptorProto {
    FileDescriptorProto {
        package: Some("p".to_owned()),
        syntax: Some(syntax.to_owned()),
        message_type: messages,
        ..Default::default()
    }
}

/// Scalars of every wire type, a message that holds itself, packed values, and a group.
fn scalars(syntax: &str) -> FileDescriptorProto {
    let fields = vec![
        optional(1, Type::Int32),
        optional(2, Type::Fixed64),
        optional(3, Type::String),
        optional(4, Type::Bytes),
        optional(5, Type::Float),
        named(".p.M", optional(6, Type::Message)),
        field(7, Label::Repeated, Type::Sint64),
        field(8, Label::Repeated, Type::Fixed32),
        field(9, Label::Repeated, Type::Double),
        named("G", optional(10, Type::Group)),
        named("E", optional(11, Type::Enum)),
        field(12, Label::Repeated, Type::String),
        optional(100_000, Type::Bool),
    ];
    let inner = message("G", vec![optional(1, Type::Int32), named("p.M", optional(2, Type::Message))]);
    let mut outer = message("M", fields);
    outer.nested_type.push(inner);
    outer.enum_type.push(EnumDescriptorProto { name: Some("E".to_owned()), ..Default::default() });
    file(syntax, vec![outer])
}

fn check(file: &FileDescriptorProto, name: &str, bytes: &[u8]) -> Result<usize, (InvalidKind, usize)> {
    let program = Program::compile([file]).expect("short names");
    let message = program.message(name).expect("the message is there");
    let result = program.check(message, bytes, &Limits::default(), &mut Scratch::default());
    result.map(|seen| seen.unknown_fields).map_err(|invalid| (invalid.kind, invalid.offset))
}

#[test]
fn every_wire_type_is_checked() {
    use InvalidKind::*;
    type Case<'a> = (&'a [u8], Result<usize, (InvalidKind, usize)>);
    let long = [0x80; 9];
    let ten = |last: u8| [&[0x08][..], &long, &[last]].concat();
    let cases: &[Case<'_>] = &[
        (&[], Ok(0)),
        // int32
        (&[0x08, 0x01], Ok(0)),
        (&ten(1), Ok(0)),
        (&ten(2), Err((Varint, 0))),
        (&ten(0x80), Err((Varint, 0))),
        (&[0x08], Err((Truncated, 0))),
        (&[0x08, 0x80], Err((Truncated, 0))),
        (&[0x09, 0, 0, 0, 0, 0, 0, 0, 0], Err((WireType(1), 0))),
        (&[0x0a, 0], Err((WireType(1), 0))),
        (&[0x0b, 0x0c], Err((WireType(1), 0))),
        (&[0x0d, 0, 0, 0, 0], Err((WireType(1), 0))),
        // fixed64, float
        (&[0x11, 1, 2, 3, 4, 5, 6, 7, 8], Ok(0)),
        (&[0x11, 1, 2, 3, 4, 5, 6, 7], Err((Truncated, 0))),
        (&[0x2d, 1, 2, 3, 4], Ok(0)),
        (&[0x2d, 1, 2, 3], Err((Truncated, 0))),
        // string, bytes
        (&[0x1a, 2, 0xc3, 0xa9], Ok(0)),
        (&[0x1a, 2, 0xc3, 0x28], Err((NotUtf8, 0))),
        (&[0x22, 2, 0xc3, 0x28], Ok(0)),
        (&[0x1a, 3, 0x61, 0x62], Err((LengthPastEnd, 0))),
        (&[0x22, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Err((LengthPastEnd, 0))),
        (&[0x62, 1, 0x61, 0x62, 1, 0xff], Err((NotUtf8, 3))),
        // a message in itself
        (&[0x32, 0], Ok(0)),
        (&[0x32, 2, 0x08, 0x05], Ok(0)),
        (&[0x32, 4, 0x32, 2, 0x08, 0x05, 0x08, 1], Ok(0)),
        (&[0x32, 1, 0x08, 0x05], Err((LengthPastEnd, 2))),
        (&[0x32, 2, 0x32, 1, 0x08, 5], Err((LengthPastEnd, 2))),
        (&[0x32, 3, 0x1a, 4, 0x61, 0x62, 0x63, 0x64], Err((LengthPastEnd, 2))),
        (&[0x32, 2, 0x0a, 0], Err((WireType(1), 2))),
        // packed and not
        (&[0x38, 1, 0x38, 2], Ok(0)),
        (&[0x3a, 3, 0x80, 0x01, 0x02], Ok(0)),
        (&[0x3a, 0], Ok(0)),
        (&[0x3a, 2, 0x01, 0x80], Err((Packed, 0))),
        (&[0x42, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 0, 0], Ok(0)),
        (&[0x42, 7, 0, 0, 0, 0, 0, 0, 0], Err((Packed, 0))),
        (&[0x4a, 8, 0, 0, 0, 0, 0, 0, 0, 0], Ok(0)),
        (&[0x4a, 4, 0, 0, 0, 0], Err((Packed, 0))),
        // a group
        (&[0x53, 0x54], Ok(0)),
        (&[0x53, 0x08, 1, 0x12, 0, 0x54, 0x08, 1], Ok(0)),
        (&[0x53, 0x0a, 0, 0x54], Err((WireType(1), 1))),
        (&[0x53], Err((Truncated, 1))),
        (&[0x53, 0x5c], Err((EndGroup, 1))),
        (&[0x32, 1, 0x53, 0x54], Err((Truncated, 3))),
        (&[0x53, 0x12, 1, 0x54], Err((EndGroup, 3))),
        (&[0x54], Err((EndGroup, 0))),
        (&[0x52, 0], Err((WireType(10), 0))),
        // an enum takes any number, a high field number is found
        (&[0x58, 0x7f], Ok(0)),
        (&[0x80, 0xea, 0x30, 1], Ok(0)),
        (&[0x82, 0xea, 0x30, 0], Err((WireType(100_000), 0))),
        // unknown fields
        (&[0x68, 1, 0x71, 0, 0, 0, 0, 0, 0, 0, 0, 0x7a, 1, 0xff, 0x6d, 0, 0, 0, 0], Ok(4)),
        (&[0x6b, 0x08, 1, 0x73, 0x74, 0x6c], Ok(1)),
        (&[0x32, 2, 0x68, 1, 0x68, 1], Ok(2)),
        (&[0x6b, 0x08, 1], Err((Truncated, 3))),
        (&[0x6b, 0x74], Err((EndGroup, 1))),
        // keys
        (&[0x00, 0], Err((Key, 0))),
        (&[0x0e], Err((Key, 0))),
        (&[0x0f], Err((Key, 0))),
        (&[0xf8, 0xff, 0xff, 0xff, 0x0f, 0], Ok(1)),
        (&[0x80, 0x80, 0x80, 0x80, 0x10, 0], Err((Key, 0))),
        (&[0x88, 0x00, 0], Ok(0)),
    ];
    let file = scalars("proto3");
    for (bytes, expected) in cases {
        assert_eq!(check(&file, "p.M", bytes), *expected, "{bytes:02x?}");
    }
}

#[test]
fn only_proto2_leaves_strings_unchecked() {
    let bytes = [0x1a, 1, 0xff];
    assert_eq!(check(&scalars("proto2"), "p.M", &bytes), Ok(0));
    assert_eq!(check(&scalars(""), "p.M", &bytes), Ok(0));
    assert_eq!(check(&scalars("editions"), "p.M", &bytes), Err((InvalidKind::NotUtf8, 0)));
}

#[test]
fn long_packed_varints_are_each_checked() {
    let packed = |values: &[u8]| [&[0x3a, u8::try_from(values.len()).expect("short")][..], values].concat();
    let nine = [0xff; 9];
    let good = packed(&[&[5][..], &nine, &[1], &[7]].concat());
    assert_eq!(check(&scalars("proto3"), "p.M", &good), Ok(0));
    for lead in 0..8 {
        let bad = packed(&[&vec![5; lead][..], &nine, &[2], &[7]].concat());
        assert_eq!(check(&scalars("proto3"), "p.M", &bad), Err((InvalidKind::Varint, 0)), "after {lead}");
    }
}

#[test]
fn nesting_is_bounded() {
    let file = scalars("proto3");
    let messages = |levels: usize| {
        (0..levels).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut outer = vec![0x32];
            let mut length = inner.len();
            while length >= 0x80 {
                outer.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            outer.push(length as u8);
            outer.extend(inner);
            outer
        })
    };
    assert_eq!(check(&file, "p.M", &messages(MOST_DEPTH)), Ok(0));
    assert!(matches!(check(&file, "p.M", &messages(MOST_DEPTH + 1)), Err((InvalidKind::TooDeep, _))));
    // Known groups, and groups that nobody knows; the latter killed parsers.
    for (start, end, levels) in [(0x6b, 0x6c, 100), (0x6b, 0x6c, 101), (0x6b, 0x6c, 1_000_000)] {
        let bytes = [vec![start; levels], vec![end; levels]].concat();
        assert_eq!(check(&file, "p.M", &bytes).is_ok(), levels <= MOST_DEPTH, "{levels} groups");
    }
    let open = vec![0x6b; 21_000];
    assert!(matches!(check(&file, "p.M", &open), Err((InvalidKind::TooDeep, _))));
}

#[test]
fn items_are_bounded() {
    let file = scalars("proto3");
    let program = Program::compile([&file]).expect("short names");
    let message = program.message("p.M").expect("the message is there");
    let limits = Limits { items: 5, ..Limits::default() };
    let mut scratch = Scratch::default();
    let mut check =
        |bytes: &[u8]| program.check(message, bytes, &limits, &mut scratch).map_err(|invalid| invalid.kind);
    assert!(check(&[0x08, 1].repeat(5)).is_ok());
    assert_eq!(check(&[0x08, 1].repeat(6)), Err(InvalidKind::TooManyItems));
    assert!(check(&[0x3a, 4, 1, 2, 3, 4]).is_ok());
    assert_eq!(check(&[0x3a, 5, 1, 2, 3, 4, 5]), Err(InvalidKind::TooManyItems));
}

/// `message R { required int32 a = 1; optional R r = 2; repeated R s = 3; oneof o { R x = 4; int32 y = 5; } }`
fn required() -> FileDescriptorProto {
    let member = |mut field: FieldDescriptorProto| {
        field.oneof_index = Some(0);
        field
    };
    let mut message = message(
        "R",
        vec![
            field(1, Label::Required, Type::Int32),
            named(".p.R", optional(2, Type::Message)),
            named(".p.R", field(3, Label::Repeated, Type::Message)),
            member(named(".p.R", optional(4, Type::Message))),
            member(optional(5, Type::Int32)),
            named(".p.R", optional(6, Type::Group)),
        ],
    );
    message.oneof_decl.push(OneofDescriptorProto { name: Some("o".to_owned()), ..Default::default() });
    file("proto2", vec![message])
}

#[test]
fn required_fields_must_be_there_once_occurrences_are_merged() {
    let missing = |offset| Err((InvalidKind::MissingRequired(1), offset));
    type Case<'a> = (&'a [u8], Result<usize, (InvalidKind, usize)>);
    let cases: &[Case<'_>] = &[
        (&[], missing(0)),
        (&[0x08, 1], Ok(0)),
        (&[0x08, 1, 0x12, 2, 0x08, 1], Ok(0)),
        (&[0x08, 1, 0x12, 0], missing(4)),
        // One message in two pieces, either of which may hold the field.
        (&[0x08, 1, 0x12, 0, 0x12, 2, 0x08, 1], Ok(0)),
        (&[0x08, 1, 0x12, 2, 0x08, 1, 0x12, 0], Ok(0)),
        (&[0x12, 2, 0x08, 1, 0x12, 0], missing(6)),
        // Two pieces, whose inner messages are again two pieces.
        (&[0x08, 1, 0x12, 4, 0x08, 1, 0x12, 0, 0x12, 4, 0x12, 2, 0x08, 1], Ok(0)),
        (&[0x08, 1, 0x12, 4, 0x08, 1, 0x12, 0, 0x12, 2, 0x12, 0], missing(12)),
        // Items of a repeated field stand alone.
        (&[0x08, 1, 0x1a, 0, 0x1a, 2, 0x08, 1], missing(4)),
        // Of a oneof the last member counts.
        (&[0x08, 1, 0x22, 0], missing(4)),
        (&[0x08, 1, 0x22, 0, 0x28, 1], Ok(0)),
        (&[0x08, 1, 0x22, 0, 0x28, 1, 0x22, 0], missing(8)),
        (&[0x08, 1, 0x22, 2, 0x08, 1, 0x28, 1, 0x22, 0], missing(10)),
        // Groups.
        (&[0x08, 1, 0x33, 0x34], missing(3)),
        (&[0x08, 1, 0x33, 0x08, 1, 0x33, 0x34, 0x34, 0x33, 0x33, 0x08, 1, 0x34, 0x34], Ok(0)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(check(&required(), "p.R", bytes), *expected, "{bytes:02x?}");
    }
}

#[test]
fn more_required_fields_than_a_word_has_bits() {
    let fields = (1..=130).map(|number| field(number, Label::Required, Type::Bool)).collect();
    let file = file("proto2", vec![message("W", fields)]);
    let bytes = |skip: i32| {
        let mut bytes = Vec::new();
        for number in (1..=130).filter(|number| *number != skip) {
            let key = u32::try_from(number).expect("positive") << 3;
            bytes.extend(if key < 0x80 { vec![key as u8] } else { vec![key as u8 | 0x80, (key >> 7) as u8] });
            bytes.push(1);
        }
        bytes
    };
    assert_eq!(check(&file, "p.W", &bytes(0)), Ok(0));
    for skip in [1, 64, 65, 128, 129, 130] {
        let bytes = bytes(skip);
        let expected = Err((InvalidKind::MissingRequired(skip.unsigned_abs()), bytes.len()));
        assert_eq!(check(&file, "p.W", &bytes), expected);
    }
}

#[test]
fn what_is_declared_carelessly_is_taken_as_far_as_it_makes_sense() {
    let extension = |extendee: &str, number| FieldDescriptorProto {
        extendee: Some(extendee.to_owned()),
        ..optional(number, Type::String)
    };
    let mut outer = message(
        "Outer",
        vec![
            named("Gone", FieldDescriptorProto { r#type: None, ..optional(1, Type::Message) }),
            named("gone.Too", optional(2, Type::Message)),
            // The second field with a number is not looked at.
            optional(3, Type::String),
            optional(3, Type::Int32),
            optional(0, Type::Int32),
            optional(-1, Type::Int32),
            named("Inner", FieldDescriptorProto { r#type: None, ..optional(4, Type::Message) }),
        ],
    );
    outer.nested_type.push(message("Inner", vec![optional(1, Type::Int32)]));
    let mut file = file("proto3", vec![outer, message("Inner", vec![]), message("Outer", vec![])]);
    file.extension = vec![extension("Outer.Inner", 9), extension("Outer.Inner", 1), extension("Nobody", 1)];
    type Case<'a> = (&'a [u8], Result<usize, InvalidKind>);
    let cases: &[Case<'_>] = &[
        (&[0x08, 1, 0x0a, 1, 0xff], Ok(0)),
        (&[0x0d, 0, 0, 0, 0], Err(InvalidKind::WireType(1))),
        (&[0x12, 1, 0xff], Ok(0)),
        (&[0x10, 1], Err(InvalidKind::WireType(2))),
        (&[0x1a, 0], Ok(0)),
        (&[0x18, 0], Err(InvalidKind::WireType(3))),
        (&[0x22, 2, 0x08, 1], Ok(0)),
        (&[0x22, 2, 0x0a, 0], Err(InvalidKind::WireType(1))),
        (&[0x22, 3, 0x4a, 1, 0x61], Ok(0)),
        (&[0x22, 3, 0x4a, 1, 0xff], Err(InvalidKind::NotUtf8)),
    ];
    for (bytes, expected) in cases {
        let found = check(&file, "p.Outer", bytes).map_err(|(kind, _)| kind);
        assert_eq!(found, *expected, "{bytes:02x?}");
    }
}

#[test]
fn scratch_carries_nothing_over() {
    let file = required();
    let program = Program::compile([&file]).expect("short names");
    let message = program.message("p.R").expect("the message is there");
    let (limits, mut scratch) = (Limits::default(), Scratch::default());
    let good = [0x08, 1, 0x12, 2, 0x08, 1];
    for bad in [&[0x12, 2, 0x12, 0x80][..], &[0x12, 0], &[0x33, 0x33, 0x08]] {
        assert!(program.check(message, bad, &limits, &mut scratch).is_err());
        assert_eq!(program.check(message, &good, &limits, &mut scratch), Ok(Seen::default()));
    }
}
