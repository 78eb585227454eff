//! `.proto` files made of random choices, written the way people write them: with comments, odd spacing, and members in
//! any order. What is made links without complaint, in the reference and elsewhere.

use super::super::Choices;

const SCALARS: [&str; 15] = [
    "int32", "string", "bytes", "bool", "double", "float", "int64", "uint32", "uint64", "sint32", "sint64",
    "fixed32", "fixed64", "sfixed32", "sfixed64",
];
const KEYS: [&str; 5] = ["string", "int32", "bool", "uint64", "sfixed32"];
/// Types from elsewhere, each with the file it comes from.
const FOREIGN: [(&str, &str); 4] = [
    ("google.protobuf.Timestamp", "google/protobuf/timestamp.proto"),
    (".google.protobuf.StringValue", "google/protobuf/wrappers.proto"),
    ("google.type.Date", "google/type/date.proto"),
    ("confluent.type.Decimal", "confluent/type/decimal.proto"),
];
const SPACES: [&str; 6] = [" ", " ", "  ", "\n", "\t", " /* c */ "];
const FIELD_OPTIONS: [&str; 8] = [
    "deprecated = true",
    "jstype = JS_NORMAL",
    "json_name = \"other\"",
    "(confluent.field_meta).doc = \"d\\n\"",
    "(confluent.field_meta) = {tags: [\"PII\"] doc: 'x'}",
    "(confluent.field_meta) = {params: [{key: \"b\", value: \"2\"}, {value: \"x\", key: \"a\"}]}",
    "(own) = 0x10",
    "(parts).a = 1.50, (parts).b = \"q\" \"r\"",
];

/// Writes a file while choosing.
struct Writer<'c, 'b> {
    choices: &'c mut Choices<'b>,
    text: String,
    is_proto3: bool,
    imports: Vec<&'static str>,
    /// Names of messages and enums of the file that fields may have.
    types: Vec<String>,
    /// How many names were given.
    names: usize,
}

/// A file of the package `p`.
pub fn file(choices: &mut Choices<'_>) -> String {
    let is_proto3 = !choices.once_in(3);
    let mut writer =
        Writer { choices, text: String::new(), is_proto3, imports: Vec::new(), types: Vec::new(), names: 0 };
    writer.types = vec!["First".to_owned(), "p.Shared".to_owned(), ".p.Kind".to_owned()];
    let count = 1 + writer.choices.below(3);
    writer.message("First", 0);
    for _ in 0..count {
        let name = writer.name("Message");
        writer.message(&name, 0);
        writer.types.push(name);
    }
    writer.message("Shared", 2);
    writer.enumeration("Kind");
    if writer.choices.once_in(2) {
        writer.service();
    }
    let body = std::mem::take(&mut writer.text);
    let mut imports = std::mem::take(&mut writer.imports);
    imports.extend(["confluent/meta.proto", "google/protobuf/descriptor.proto"]);
    let mut seen = std::collections::HashSet::new();
    imports.retain(|path| seen.insert(*path));
    let mut text = if is_proto3 { "syntax = \"proto3\";\n" } else { "syntax = 'proto2' ;" }.to_owned();
    text += "package p;\n";
    for path in imports {
        text += &format!("import \"{path}\";\n");
    }
    for option in [
        "java_package = \"j\"",
        "optimize_for = SPEED",
        "(confluent.file_meta).doc = \"f\"",
        "deprecated = false",
    ] {
        if writer.choices.once_in(2) {
            text += &format!("option {option};\n");
        }
    }
    let optional = if is_proto3 { "" } else { "optional " };
    text += &format!(
        "extend google.protobuf.FieldOptions {{ {optional}int32 own = 50001; {optional}Parts parts = 50002; }}\n"
    );
    text += &format!("message Parts {{ {optional}double a = 1; {optional}string b = 2; }}\n");
    text + &body
}

impl Writer<'_, '_> {
    /// A new name.
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn put(&mut self, words: &str) {
        self.text += words;
        // After a semicolon a comment would have to end its line.
        let spaces = if words.ends_with(';') { &SPACES[..5] } else { &SPACES[..] };
        let space = self.choices.pick(spaces);
        self.text += space;
    }

    fn message(&mut self, name: &str, depth: usize) {
        self.put(&format!("message {name} {{"));
        let from = self.types.len();
        let count = self.choices.below(7);
        let (mut number, mut has_option) = (0, false);
        for _ in 0..count {
            number += 1 + if self.choices.once_in(6) { 500 } else { 0 };
            match self.choices.below(12) {
                0 if depth < 3 => {
                    let name = self.name("Nested");
                    self.message(&name, depth + 1);
                    self.types.push(name);
                }
                1 => {
                    let name = self.name("Level");
                    self.enumeration(&name);
                    self.types.push(name);
                }
                2 => {
                    let name = self.name("choice");
                    self.put(&format!("oneof {name} {{"));
                    for _ in 0..=self.choices.below(3) {
                        self.field(number, "");
                        number += 1;
                    }
                    self.put("}");
                }
                3 => {
                    let (key, name) = (self.choices.pick(&KEYS), self.name("map"));
                    let value = self.field_type();
                    self.put(&format!("map<{key}, {value}> {name} = {number};"));
                }
                4 => {
                    let first = 10_000 * (1 + self.names);
                    self.names += 1;
                    self.put(&format!("reserved {}, {first} to {};", first + 50, first + 9));
                    self.put(&format!("reserved \"gone{first}\";"));
                }
                5 if !self.is_proto3 => {
                    let name = self.name("Group");
                    self.put(&format!("optional group {name} = {number} {{"));
                    self.put("required int32 inner = 1;");
                    self.put("}");
                }
                6 if !has_option => {
                    has_option = true;
                    let option = self.choices.pick(&[
                        "deprecated = true",
                        "(confluent.message_meta) = {doc: \"m\", tags: \"T\"}",
                        "no_standard_descriptor_accessor = false",
                    ]);
                    self.put(&format!("option {option};"));
                }
                7 if !self.is_proto3 => {
                    let first = 100_000 * (1 + self.names);
                    self.names += 1;
                    self.put(&format!("extensions {first} to {};", first + 7));
                }
                8 => self.put("// a comment {\n;"),
                _ => {
                    let labels: &[&str] = match self.is_proto3 {
                        true => &["", "", "repeated ", "optional "],
                        false => &["optional ", "required ", "repeated "],
                    };
                    let label = self.choices.pick(labels).to_owned();
                    self.field(number, &label);
                }
            }
        }
        self.types.truncate(from);
        self.put("}");
    }

    fn field(&mut self, number: usize, label: &str) {
        let (field_type, name) = (self.field_type(), self.name("field_"));
        let option = match self.choices.below(4) {
            0 => format!("[{}]", self.choices.pick(&FIELD_OPTIONS)),
            1 => format!("[deprecated = false, {}]", self.choices.pick(&FIELD_OPTIONS[1..])),
            _ => String::new(),
        };
        let is_scalar_default = !self.is_proto3 && label == "optional " && field_type == "int32";
        let option = match is_scalar_default && option.is_empty() {
            true => "[default = -7]".to_owned(),
            false => option,
        };
        let option = option.replace("other", &format!("{name}X"));
        self.put(&format!("{label}{field_type} {name} = {number} {option}; // trailing\n"));
    }

    fn field_type(&mut self) -> String {
        match self.choices.below(6) {
            0 if !self.types.is_empty() => {
                let at = self.choices.below(self.types.len());
                self.types[at].clone()
            }
            1 => {
                let (name, path) = FOREIGN[self.choices.below(FOREIGN.len())];
                self.imports.push(path);
                name.to_owned()
            }
            _ => SCALARS[self.choices.below(SCALARS.len())].to_owned(),
        }
    }

    fn enumeration(&mut self, name: &str) {
        self.put(&format!("enum {name} {{"));
        let count = 1 + self.choices.below(4);
        for number in 0..count {
            let constant = self.name("CONSTANT_");
            let option = if self.choices.once_in(4) { "[deprecated = true]" } else { "" };
            self.put(&format!("{constant} = {number} {option};"));
        }
        if self.choices.once_in(4) {
            self.put("reserved 90 to 95, 97;");
        }
        self.put("}");
    }

    fn service(&mut self) {
        self.put("service Service {");
        for _ in 0..self.choices.below(3) {
            let name = self.name("Call");
            let stream = if self.choices.once_in(2) { "stream " } else { "" };
            self.put(&format!("rpc {name} ({stream}First) returns (p.Shared)"));
            self.put(self.choices.clone().pick(&[";", "{}", "{ option deprecated = true; }"]));
        }
        self.put("}");
    }
}
