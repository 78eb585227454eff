//! Finding one field of a datum without decoding it.

use std::ops::Range;

use super::program::{Op, compile_types};
use super::walk::int;
use super::{Invalid, InvalidKind, Program, Scratch};
use crate::avro::model::{AvroSchema, Kind, NodeId};
use crate::limits::Limits;

/// The way to a field of a record, compiled once per schema.
///
/// What comes before the field is skipped, what comes after it is not looked at. Skipping is a little cheaper than
/// checking, since it does not ask whether strings are UTF-8: run [`Program::check`] first on bytes of unknown origin.
/// Like the checking, it allocates nothing once the [`Scratch`] is warm, and it is safe on any byte.
#[derive(Clone, Debug)]
pub struct Projection {
    steps: Vec<Step>,
    field: Program,
    node: NodeId,
}

/// Into a record and past the fields before the next one on the way.
#[derive(Clone, Debug)]
struct Step {
    /// The record is a branch of a union.
    union: Option<Branch>,
    before: Program,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    position: usize,
    /// Of all branches.
    count: usize,
}

impl Projection {
    /// Compiles the way along `path`, names of fields from the top-level record inwards. A record on the way may be a
    /// branch of a union if it is the only record there, as in an optional field. `None` if the path is empty or a
    /// field of it does not exist.
    ///
    /// ```
    /// use muster_schema::avro::{self, validate::{Projection, Scratch}};
    /// use muster_schema::{Limits, ResolvedReferences, Strictness};
    ///
    /// let limits = Limits::default();
    /// let text = r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int"}]}"#;
    /// let schema = avro::parse(text, &ResolvedReferences::default(), Strictness::New, &limits)?;
    /// let b = Projection::compile(&schema, &["b"]).expect("the field exists");
    /// assert_eq!(b.find(b"\x06abc\x54", &limits, &mut Scratch::default()), Ok(Some(4..5)));
    /// # Ok::<(), muster_schema::ParseError>(())
    /// ```
    pub fn compile(schema: &AvroSchema, path: &[&str]) -> Option<Self> {
        let mut node = schema.root();
        let mut steps = Vec::new();
        for name in path {
            let mut union = None;
            if let Kind::Union(branches) = &schema.node(node).kind {
                let is_record = |id: &NodeId| matches!(schema.node(*id).kind, Kind::Record(_));
                let position = branches.iter().position(is_record)?;
                let mut records = branches.iter().filter(|id| is_record(id));
                node = *records.next()?;
                if records.next().is_some() {
                    return None;
                }
                union = Some(Branch { position, count: branches.len() });
            }
            let Kind::Record(record) = &schema.node(node).kind else { return None };
            let position = record.fields.iter().position(|field| field.name == *name)?;
            let before = record.fields.iter().take(position).map(|field| field.schema);
            let mut before = compile_types(schema, before);
            for op in &mut before.ops {
                if *op == Op::String {
                    *op = Op::Bytes;
                }
            }
            steps.push(Step { union, before });
            node = record.fields.get(position)?.schema;
        }
        let field = compile_types(schema, std::iter::once(node));
        (!steps.is_empty()).then_some(Self { steps, field, node })
    }

    /// The type of the field.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Where the field is in a datum: a range of its bytes, checked, and empty for a type that takes no bytes; `None` if
    /// a union on the way holds something else, such as null.
    ///
    /// `bytes`: a plain datum, not the body of a record (see [`Program`]). Errors: [`Invalid`].
    pub fn find(
        &self,
        bytes: &[u8],
        limits: &Limits,
        scratch: &mut Scratch,
    ) -> Result<Option<Range<usize>>, Invalid> {
        let mut start = 0;
        for Step { union, before } in &self.steps {
            if let Some(Branch { position, count }) = union {
                let rest = bytes.get(start..).unwrap_or_default();
                let invalid = |kind| Invalid { kind, offset: start };
                let (number, after) = int(rest).map_err(invalid)?;
                match usize::try_from(number) {
                    Ok(number) if number == *position => start += rest.len() - after.len(),
                    Ok(number) if number < *count => return Ok(None),
                    _ => return Err(invalid(InvalidKind::UnionBranch)),
                }
            }
            start += measure(before, bytes, start, limits, scratch)?;
        }
        let length = measure(&self.field, bytes, start, limits, scratch)?;
        Ok(Some(start..start + length))
    }
}

/// How many bytes from `start` on a program takes.
fn measure(
    program: &Program,
    bytes: &[u8],
    start: usize,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<usize, Invalid> {
    let rest = bytes.get(start..).unwrap_or_default();
    let measured = program.measure(rest, limits, scratch);
    measured.map_err(|invalid| Invalid { offset: invalid.offset + start, ..invalid })
}
