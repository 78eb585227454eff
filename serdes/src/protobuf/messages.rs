//! From schema text to message names, indexes and descriptors.

use muster_schema::ParsedSchema;
use muster_schema::protobuf::indexes::MessageTable;
use muster_schema::protobuf::validate::Program;
use muster_schema::protobuf::{ProtobufSchema, from_base64};
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;

use crate::format::Source;

/// What a serde needs of a Protobuf schema.
#[derive(Debug)]
pub struct Messages {
    /// Names by message indexes, and the other way round.
    pub(super) table: MessageTable,
    /// For checking bodies.
    pub(super) program: Program,
    /// For dynamic messages; what is wrong with the schema where it does not link, which the registry does not ask for.
    pub(super) pool: Result<DescriptorPool, String>,
}

impl Messages {
    /// The error says in words what is wrong with the schema.
    pub(super) fn of(schema: &ParsedSchema, source: Source<'_>) -> Result<Self, String> {
        let schema = schema.as_protobuf().ok_or("not a Protobuf schema")?;
        let own = from_base64(source.text).filter(|file| !file.message_type.is_empty());
        let table = match &own {
            Some(file) => MessageTable::of(file),
            None => schema.message_table(),
        };
        let table = table.map_err(|error| error.to_string())?;
        let files = files(schema, own, source);
        let program = match &files {
            Ok(files) => Program::compile(files),
            Err(_) => Program::of(schema),
        };
        let program = program.map_err(|error| error.to_string())?;
        let pool = files.and_then(|files| {
            let mut pool = DescriptorPool::new();
            pool.add_file_descriptor_protos(files).map_err(|error| error.to_string())?;
            Ok(pool)
        });
        Ok(Self { table, program, pool })
    }
}

/// The descriptors of a schema, with those that were registered as descriptors in place of what became of them as text,
/// which knows no groups and has other indexes.
fn files(
    schema: &ProtobufSchema,
    own: Option<FileDescriptorProto>,
    source: Source<'_>,
) -> Result<Vec<FileDescriptorProto>, String> {
    let mut files = schema.descriptors().map_err(|error| error.to_string())?;
    let last = files.len().saturating_sub(1);
    for (at, file) in files.iter_mut().enumerate() {
        let registered = if at == last {
            own.clone()
        } else {
            let mut texts = source.references.texts.iter();
            texts.find(|(name, _)| name == file.name()).and_then(|(_, text)| from_base64(text))
        };
        if let Some(registered) = registered {
            // Names and imports are those of the whole, whatever the file was called where it was made.
            *file = FileDescriptorProto {
                name: file.name.take(),
                dependency: std::mem::take(&mut file.dependency),
                public_dependency: Vec::new(),
                weak_dependency: Vec::new(),
                ..registered
            };
        }
    }
    Ok(files)
}
