//! Writing the datum that a way outlines, as JSON text and as bytes at once.

use super::search::Edge;
use super::smallest::Smallest;
use crate::avro::model::{AvroSchema, Kind, NodeId};
use crate::avro::names::branch_name;
use crate::jsontext::write_string;

/// A datum and the way in it.
pub(super) struct Written {
    /// In Avro's JSON encoding.
    pub(super) datum: String,
    /// In the binary encoding.
    pub(super) bytes: Vec<u8>,
    /// JSON pointer to the end of the way.
    pub(super) path: String,
    /// How much of it leads to the end of so many edges.
    pub(super) path_ends: Vec<usize>,
}

/// The key of an entry that a map must have.
const KEY: &str = "key";

/// Writes a datum with what `way` leads to, the symbol at position `symbol` at its end, and the smallest values
/// everywhere else; `None` if its text or bytes are more than `max_bytes`. The way passes through types with data only.
pub(super) fn write(
    schema: &AvroSchema,
    smallest: &Smallest,
    way: &[Edge],
    symbol: Option<usize>,
    max_bytes: usize,
) -> Option<Written> {
    let mut writer = Writer {
        schema,
        smallest,
        way,
        symbol,
        max_bytes,
        tasks: vec![Task::Value { id: schema.root(), edge: Some(0) }],
        written: Written {
            datum: String::new(),
            bytes: Vec::new(),
            path: String::new(),
            path_ends: Vec::with_capacity(way.len() + 1),
        },
    };
    writer.run()?;
    Some(writer.written)
}

struct Writer<'a> {
    schema: &'a AvroSchema,
    smallest: &'a Smallest,
    way: &'a [Edge],
    symbol: Option<usize>,
    max_bytes: usize,
    /// What remains to be written, last first.
    tasks: Vec<Task<'a>>,
    written: Written,
}

enum Task<'a> {
    /// `edge`: how many edges led here, if the way does.
    Value {
        id: NodeId,
        edge: Option<usize>,
    },
    Text(&'static str),
    Key(&'a str),
    /// Ends the blocks of an array or map.
    EndBlocks,
}

impl<'a> Writer<'a> {
    fn run(&mut self) -> Option<()> {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Value { id, edge } => self.value(id, edge)?,
                Task::Text(text) => self.written.datum.push_str(text),
                Task::Key(name) => {
                    write_string(&mut self.written.datum, name);
                    self.written.datum.push(':');
                }
                Task::EndBlocks => self.written.bytes.push(0),
            }
            if self.written.datum.len() > self.max_bytes || self.written.bytes.len() > self.max_bytes {
                return None;
            }
        }
        Some(())
    }

    fn value(&mut self, id: NodeId, mut edge: Option<usize>) -> Option<()> {
        let schema = self.schema;
        if let Some(at) = &mut edge {
            self.written.path_ends.push(self.written.path.len());
            while let Some(Edge::ReaderBranch | Edge::Missing { .. }) = self.way.get(*at) {
                self.written.path_ends.push(self.written.path.len());
                *at += 1;
            }
        }
        let step = edge.and_then(|at| self.way.get(at).copied());
        let next = edge.map(|at| at + 1);
        let is_end = edge.is_some() && step.is_none();
        match (&schema.node(id).kind, step) {
            (Kind::Null, _) => self.written.datum.push_str("null"),
            (Kind::Boolean, _) => self.plain("false", &[0]),
            (Kind::Int | Kind::Long, _) => self.plain("0", &[0]),
            (Kind::Float, _) => self.plain("0.0", &[0; 4]),
            (Kind::Double, _) => self.plain("0.0", &[0; 8]),
            (Kind::Bytes | Kind::String, _) => self.plain("\"\"", &[0]),
            (Kind::Fixed(fixed), _) => self.zeros(fixed.size)?,
            (Kind::Enum(symbols), _) => {
                let position = self.symbol.filter(|_| is_end).unwrap_or(0);
                write_string(&mut self.written.datum, symbols.symbols.get(position)?);
                self.number(position)?;
            }
            (Kind::Array(items), Some(Edge::Item)) => {
                self.plain("[", &[2]);
                self.written.path.push_str("/0");
                self.tasks.extend([Task::EndBlocks, Task::Text("]"), Task::Value { id: *items, edge: next }]);
            }
            (Kind::Map(values), Some(Edge::Value)) => {
                self.plain("{", &[2]);
                self.number(KEY.len())?;
                self.written.bytes.extend(KEY.bytes());
                self.written.path.push('/');
                self.written.path.push_str(KEY);
                self.tasks.extend([
                    Task::EndBlocks,
                    Task::Text("}"),
                    Task::Value { id: *values, edge: next },
                    Task::Key(KEY),
                ]);
            }
            (Kind::Array(_), _) => self.plain("[]", &[0]),
            (Kind::Map(_), _) => self.plain("{}", &[0]),
            (Kind::Union(branches), step) => {
                let (position, next) = match step {
                    Some(Edge::Branch(position)) => (position, next),
                    _ => (self.smallest.branch(id), None),
                };
                self.number(position)?;
                self.branch(*branches.get(position)?, next);
            }
            (Kind::Record(record), step) => {
                self.written.datum.push('{');
                self.tasks.push(Task::Text("}"));
                for (position, field) in record.fields.iter().enumerate().rev() {
                    let is_next = step == Some(Edge::Field(position));
                    if is_next {
                        push_token(&mut self.written.path, &field.name);
                    }
                    self.tasks.push(Task::Value { id: field.schema, edge: next.filter(|_| is_next) });
                    self.tasks.push(Task::Key(&field.name));
                    self.tasks.push(Task::Text(if position > 0 { "," } else { "" }));
                }
            }
        }
        Some(())
    }

    /// A value of a union: null is bare, everything else is wrapped into an object that names the branch.
    fn branch(&mut self, branch: NodeId, edge: Option<usize>) {
        let kind = &self.schema.node(branch).kind;
        self.tasks.push(Task::Text(if matches!(kind, Kind::Null) { "" } else { "}" }));
        self.tasks.push(Task::Value { id: branch, edge });
        if !matches!(kind, Kind::Null) {
            let name = branch_name(kind);
            self.written.datum.push('{');
            write_string(&mut self.written.datum, &name);
            self.written.datum.push(':');
            if edge.is_some() {
                push_token(&mut self.written.path, &name);
            }
        }
    }

    fn plain(&mut self, text: &str, bytes: &[u8]) {
        self.written.datum.push_str(text);
        self.written.bytes.extend(bytes);
    }

    /// A fixed of zeros: one character for each byte.
    fn zeros(&mut self, size: usize) -> Option<()> {
        const ZERO: &str = "\\u0000";
        if size > self.max_bytes / ZERO.len() {
            return None;
        }
        self.written.datum.push('"');
        self.written.datum.extend(std::iter::repeat_n(ZERO, size));
        self.written.datum.push('"');
        self.written.bytes.resize(self.written.bytes.len() + size, 0);
        Some(())
    }

    /// A zigzag varint.
    fn number(&mut self, value: usize) -> Option<()> {
        let mut left = u64::try_from(value).ok()?.checked_mul(2)?;
        loop {
            let [low, ..] = (left & 0x7f).to_le_bytes();
            left >>= 7;
            self.written.bytes.push(if left > 0 { low | 0x80 } else { low });
            if left == 0 {
                return Some(());
            }
        }
    }
}

/// Appends a token to a JSON pointer (RFC 6901).
fn push_token(path: &mut String, token: &str) {
    path.push('/');
    path.push_str(&token.replace('~', "~0").replace('/', "~1"));
}
