//! From a descriptor to a schema in the registry, its imports first (wire format spec §2.1).

use std::collections::{HashMap, HashSet};

use muster_schema::protobuf::{builtin, to_base64};
use muster_schema::{SchemaReference, Version};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, Value};

use crate::choose::{Imports, Writer};
use crate::client::NewSchema;
use crate::error::SerializeError;

/// Which subject an import is registered under (wire format spec §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReferenceSubjects {
    /// The import path.
    #[default]
    Path,
    /// The import path without `.proto`, with dots for slashes.
    Qualified,
}

impl ReferenceSubjects {
    fn subject(self, path: &str) -> String {
        match self {
            Self::Path => path.to_owned(),
            Self::Qualified => path.strip_suffix(".proto").unwrap_or(path).replace('/', "."),
        }
    }
}

/// How the imports of a descriptor become references.
#[derive(Clone, Copy, Debug)]
pub(crate) struct References {
    pub(super) subjects: ReferenceSubjects,
    pub(super) skip_known_types: bool,
    pub(super) lookup_only: bool,
}

impl Default for References {
    fn default() -> Self {
        Self { subjects: ReferenceSubjects::Path, skip_known_types: true, lookup_only: false }
    }
}

impl References {
    /// The schema that `file` is, all its imports being registered or found.
    pub(super) async fn schema_of(
        self,
        file: &FileDescriptor,
        writer: &Writer,
    ) -> Result<NewSchema, SerializeError> {
        let mut known = HashMap::<String, SchemaReference>::new();
        for import in self.imports_first(file) {
            let name = import.name().to_owned();
            let schema = self.schema(&import, &known);
            let subject = self.subjects.subject(&name);
            let imports = if self.lookup_only { Imports::LookUp } else { Imports::AsTheRest };
            let version: Version = writer.import(&subject, &schema, imports).await?;
            known.insert(name.clone(), SchemaReference { name, subject, version });
        }
        Ok(self.schema(file, &known))
    }

    fn schema(self, file: &FileDescriptor, known: &HashMap<String, SchemaReference>) -> NewSchema {
        let references = self.direct(file).filter_map(|import| known.get(import.name()).cloned()).collect();
        NewSchema { references, ..NewSchema::protobuf(text(file)) }
    }

    /// What a file imports, plain imports first, without the files that every reader has.
    fn direct(self, file: &FileDescriptor) -> impl Iterator<Item = FileDescriptor> {
        let is_public = |import: &FileDescriptor| {
            let public: Vec<_> = file.public_dependencies().collect();
            public.iter().any(|other| other.name() == import.name())
        };
        let (public, plain): (Vec<_>, Vec<_>) = file.dependencies().partition(is_public);
        let needed = plain.into_iter().chain(public);
        needed.filter(move |import| !(self.skip_known_types && builtin(import.name()).is_some()))
    }

    /// All imports of a file, depth first, each once. A descriptor has no circles.
    fn imports_first(self, file: &FileDescriptor) -> Vec<FileDescriptor> {
        let mut done = Vec::new();
        let mut seen = HashSet::from([file.name().to_owned()]);
        let mut open = vec![(file.clone(), self.direct(file).collect::<Vec<_>>().into_iter())];
        while let Some((_, imports)) = open.last_mut() {
            match imports.next() {
                Some(import) if seen.insert(import.name().to_owned()) => {
                    let inner = self.direct(&import).collect::<Vec<_>>().into_iter();
                    open.push((import, inner));
                }
                Some(_) => {}
                None => done.extend(open.pop().map(|(file, _)| file)),
            }
        }
        // The file itself is not its own import.
        done.pop();
        done
    }
}

/// The schema text that a file is registered as.
///
/// Linking gives every field the name that it has in JSON. Where that is the usual one it is taken out again: it is not
/// what the file said, and the registry would show it.
fn text(file: &FileDescriptor) -> String {
    let encoded = file.encode_to_vec();
    let descriptor = DescriptorPool::global().get_message_by_name("google.protobuf.FileDescriptorProto");
    // As a dynamic message, so that custom options stay.
    let decoded = descriptor.and_then(|descriptor| DynamicMessage::decode(descriptor, &*encoded).ok());
    match decoded {
        Some(mut decoded) => {
            for members in ["message_type", "extension"] {
                drop_usual_names(&mut decoded, members);
            }
            to_base64(&decoded.encode_to_vec())
        }
        None => to_base64(&encoded),
    }
}

/// Recurses as deep as messages nest, of which decoding admits 100 levels.
fn drop_usual_names(around: &mut DynamicMessage, members: &str) {
    let Some(Value::List(list)) = around.get_field_by_name(members).map(|value| value.into_owned()) else {
        return;
    };
    let list = list.into_iter().map(|item| {
        let Value::Message(mut item) = item else { return item };
        match members {
            "field" | "extension" => {
                let text = |name| item.get_field_by_name(name)?.as_str().map(str::to_owned);
                if text("json_name") == text("name").map(|name| usual_json_name(&name)) {
                    item.clear_field_by_name("json_name");
                }
            }
            _ => ["field", "nested_type", "extension"]
                .into_iter()
                .for_each(|members| drop_usual_names(&mut item, members)),
        }
        Value::Message(item)
    });
    let list: Vec<Value> = list.collect();
    if !list.is_empty() {
        around.set_field_by_name(members, Value::List(list));
    }
}

/// Lower camel case (Protocol Buffers documentation, "ProtoJSON Format").
fn usual_json_name(name: &str) -> String {
    let mut usual = String::with_capacity(name.len());
    let mut is_next_upper = false;
    for letter in name.chars() {
        match letter {
            '_' => is_next_upper = true,
            _ if is_next_upper => {
                usual.push(letter.to_ascii_uppercase());
                is_next_upper = false;
            }
            _ => usual.push(letter),
        }
    }
    usual
}
