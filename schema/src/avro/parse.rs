//! From JSON to types (schema formats spec §1.1–1.4), in the steps of Avro Java 1.12, because the steps decide what is
//! accepted: a name that is not known yet stands for a placeholder record until the whole text is read, and both
//! defaults and repeated definitions are first checked against placeholders.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::attributes::{
    aliases_of, clip, invalid, json_error, primitive, props, required_text, shown, text,
};
use super::defaults;
use super::equivalence;
use super::model::{Enum, Field, Fixed, Kind, Name, Named, Node, NodeId, Order, Record};
use super::names::{Alphabet, PRIMITIVES, branch_name, named, type_name};
use super::print;
use crate::format::ParseError;
use crate::jsontext::{self, Comments, Json, java_double, parse_java_double};
use crate::limits::Limits;

/// Attributes that are never properties of a type.
const SCHEMA_RESERVED: [&str; 10] =
    ["type", "name", "namespace", "doc", "aliases", "fields", "items", "values", "size", "symbols"];
/// Attributes that are never properties of a field.
const FIELD_RESERVED: [&str; 6] = ["name", "type", "doc", "default", "order", "aliases"];
/// Largest `size` of a fixed: the longest array of the reference's platform.
const MAX_FIXED_SIZE: i32 = i32::MAX - 8;
/// Full names may take this many times the bytes of the texts; only a schema made for it needs more.
const NAME_BYTES_PER_BYTE: usize = 32;

/// What is checked while a text is read (schema formats spec §1.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Of simple names, field names and symbols.
    pub(super) alphabet: Alphabet,
    /// Of namespaces and aliases.
    pub(super) outer_alphabet: Alphabet,
    /// Whether defaults must fit.
    pub(super) defaults: bool,
}

/// Reads texts one after another into one arena with one table of names.
pub(super) struct Parser<'l> {
    pub(super) nodes: Vec<Node>,
    /// Full name to the first definition.
    pub(super) table: HashMap<String, NodeId>,
    /// Names defined first by the text at hand, in order of completion.
    pub(super) defined: Vec<NodeId>,
    /// Placeholders and the full names they stand for.
    pub(super) placeholders: HashMap<NodeId, String>,
    pub(super) rules: Rules,
    pub(super) limits: &'l Limits,
    counted: usize,
    name_bytes_left: usize,
}

/// A type whose parts are being read.
enum Frame<'j> {
    Array(&'j Json),
    Map(&'j Json),
    Union { json: &'j Json, branches: &'j [Json], namespace: Namespace, done: Vec<NodeId> },
    Record(RecordFrame<'j>),
}

struct RecordFrame<'j> {
    json: &'j Json,
    name: Name,
    fields: &'j [Json],
    namespace: Namespace,
    done: Vec<Field>,
}

/// The enclosing namespace, shared because it can be long.
type Namespace = Option<Rc<str>>;

/// What to do next.
enum Step<'j> {
    Read(&'j Json, Namespace),
    Done(NodeId),
}

impl<'l> Parser<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self {
            nodes: Vec::new(),
            table: HashMap::new(),
            defined: Vec::new(),
            placeholders: HashMap::new(),
            rules: Rules { alphabet: Alphabet::Any, outer_alphabet: Alphabet::Any, defaults: false },
            limits,
            counted: 0,
            name_bytes_left: 4096,
        }
    }

    /// Reads one text and returns its top-level type, with names that are not resolved yet.
    pub(super) fn document(&mut self, text: &str, bytes: usize) -> Result<NodeId, ParseError> {
        self.name_bytes_left =
            self.name_bytes_left.saturating_add(text.len().saturating_mul(NAME_BYTES_PER_BYTE));
        let limits = Limits { schema_bytes: bytes, ..*self.limits };
        let (json, rest) = jsontext::read_first(text, Comments::Allowed, &limits).map_err(json_error)?;
        // What Java's `trim` removes may follow the schema; even a comment may not.
        let dangling = rest.trim_matches(|c: char| c <= ' ');
        if !dangling.is_empty() {
            return Err(invalid(format!("dangling content after end of schema: {}", clip(dangling))));
        }
        let mut frames = Vec::new();
        let mut step = Step::Read(&json, None);
        loop {
            step = match step {
                Step::Read(json, namespace) => self.read(json, namespace, &mut frames)?,
                Step::Done(id) => match frames.pop() {
                    None => return Ok(id),
                    Some(Frame::Array(json)) => Step::Done(self.unnamed(Kind::Array(id), json)?),
                    Some(Frame::Map(json)) => Step::Done(self.unnamed(Kind::Map(id), json)?),
                    Some(Frame::Union { json, branches, namespace, mut done }) => {
                        done.push(id);
                        self.next_branch(json, branches, namespace, done, &mut frames)?
                    }
                    Some(Frame::Record(mut record)) => {
                        self.finish_field(&mut record, id)?;
                        self.next_field(record, &mut frames)?
                    }
                },
            };
        }
    }

    fn read<'j>(
        &mut self,
        json: &'j Json,
        namespace: Namespace,
        frames: &mut Vec<Frame<'j>>,
    ) -> Result<Step<'j>, ParseError> {
        match json {
            Json::String(name) => self.find(name, namespace.as_deref()).map(Step::Done),
            Json::Array(branches) => self.next_branch(json, branches, namespace, Vec::new(), frames),
            Json::Object(_) => {
                let type_name = required_text(json, "type", "No type")?;
                match type_name {
                    "record" | "error" => {
                        let name = self.name(json, namespace.as_deref())?;
                        let Some(Json::Array(fields)) = json.get("fields") else {
                            return Err(invalid(format!("Record has no fields: {}", shown(json))));
                        };
                        let namespace = name.namespace.as_deref().map(Rc::from);
                        let done = Vec::new();
                        self.next_field(RecordFrame { json, name, fields, namespace, done }, frames)
                    }
                    "enum" => self.enumeration(json, namespace.as_deref()).map(Step::Done),
                    "fixed" => self.fixed(json, namespace.as_deref()).map(Step::Done),
                    "array" => {
                        let items = json.get("items");
                        let items = items
                            .ok_or_else(|| invalid(format!("Array has no items type: {}", shown(json))))?;
                        frames.push(Frame::Array(json));
                        Ok(Step::Read(items, namespace))
                    }
                    "map" => {
                        let values = json.get("values");
                        let values = values
                            .ok_or_else(|| invalid(format!("Map has no values type: {}", shown(json))))?;
                        frames.push(Frame::Map(json));
                        Ok(Step::Read(values, namespace))
                    }
                    _ => match primitive(type_name) {
                        Some(kind) => self.unnamed(kind, json).map(Step::Done),
                        None => self.find(type_name, namespace.as_deref()).map(Step::Done),
                    },
                }
            }
            _ => Err(invalid(format!("Schema not yet supported: {}", shown(json)))),
        }
    }

    /// The type that a name stands for: a primitive, a type defined so far (in the namespace, else outside any), or
    /// a placeholder.
    fn find(&mut self, name: &str, namespace: Option<&str>) -> Result<NodeId, ParseError> {
        if let Some(kind) = primitive(name) {
            return self.push(Node { kind, props: Vec::new() });
        }
        let full = match namespace {
            Some(namespace) if !name.contains('.') => {
                self.charge(namespace.len() + name.len())?;
                format!("{namespace}.{name}")
            }
            _ => name.to_owned(),
        };
        if let Some(&id) = self.table.get(&full).or_else(|| self.table.get(name)) {
            return Ok(id);
        }
        self.charge(full.len())?;
        let simple = format!("UnresolvedSchema_{}", self.placeholders.len());
        let name = Name { simple, namespace: Some("org.apache.avro.compiler".to_owned()) };
        let named = Named { name, aliases: Vec::new(), doc: Some("unresolved schema".to_owned()) };
        let kind = Kind::Record(Record { named, is_error: false, fields: Vec::new() });
        let id = self.push(Node { kind, props: Vec::new() })?;
        self.placeholders.insert(id, full);
        Ok(id)
    }

    /// The checked name of a named type.
    fn name(&mut self, json: &Json, namespace: Option<&str>) -> Result<Name, ParseError> {
        let namespace = text(json, "namespace").or(namespace);
        let name = required_text(json, "name", "No name in schema")?;
        self.charge(name.len() + namespace.map_or(0, str::len))?;
        let name = Name::new(name, namespace);
        self.rules.alphabet.check(&name.simple).map_err(invalid)?;
        if name.namespace.is_none() && PRIMITIVES.contains(&name.simple.as_str()) {
            return Err(invalid(format!("Schemas may not be named after primitives: {name}")));
        }
        Ok(name)
    }

    fn next_branch<'j>(
        &mut self,
        json: &'j Json,
        branches: &'j [Json],
        namespace: Namespace,
        done: Vec<NodeId>,
        frames: &mut Vec<Frame<'j>>,
    ) -> Result<Step<'j>, ParseError> {
        if let Some(branch) = branches.get(done.len()) {
            frames.push(Frame::Union { json, branches, namespace: namespace.clone(), done });
            return Ok(Step::Read(branch, namespace));
        }
        let mut names = HashSet::new();
        for &id in &done {
            let Some(node) = self.nodes.get(id.index()) else { continue };
            if matches!(node.kind, Kind::Union(_)) {
                return Err(invalid(format!("Nested union: {}", shown(json))));
            }
            let name = branch_name(&node.kind);
            self.charge(name.len())?;
            if let Some(name) = names.replace(name) {
                return Err(invalid(format!("Duplicate in union:{name}")));
            }
        }
        self.push(Node { kind: Kind::Union(done), props: Vec::new() }).map(Step::Done)
    }

    fn next_field<'j>(
        &mut self,
        record: RecordFrame<'j>,
        frames: &mut Vec<Frame<'j>>,
    ) -> Result<Step<'j>, ParseError> {
        let Some(field) = record.fields.get(record.done.len()) else {
            return self.finish_record(record).map(Step::Done);
        };
        required_text(field, "name", "No field name")?;
        let schema = field.get("type");
        let schema = schema.ok_or_else(|| invalid(format!("No field type: {}", shown(field))))?;
        let namespace = record.namespace.clone();
        frames.push(Frame::Record(record));
        Ok(Step::Read(schema, namespace))
    }

    /// Adds the field whose type has just been read.
    fn finish_field(&mut self, record: &mut RecordFrame<'_>, schema: NodeId) -> Result<(), ParseError> {
        let Some(json) = record.fields.get(record.done.len()) else { return Ok(()) };
        let name = required_text(json, "name", "No field name")?;
        let order = match json.get("order").map(Json::as_str) {
            None => Order::Ascending,
            Some(None) => return Err(invalid(format!("order not a string: {}", shown(json)))),
            // Java's upper case, so that no spelling it lets in is refused.
            Some(Some(order)) => match order.to_uppercase().as_str() {
                "ASCENDING" => Order::Ascending,
                "DESCENDING" => Order::Descending,
                "IGNORE" => Order::Ignore,
                order => {
                    return Err(invalid(format!(
                        "No enum constant org.apache.avro.Schema.Field.Order.{}",
                        clip(order)
                    )));
                }
            },
        };
        let is_floating = self
            .nodes
            .get(schema.index())
            .is_some_and(|node| matches!(node.kind, Kind::Float | Kind::Double));
        let default = match json.get("default") {
            Some(Json::String(text)) if is_floating => {
                let value = parse_java_double(text);
                let value = value.ok_or_else(|| invalid(format!("For input string: \"{}\"", clip(text))))?;
                Some(Json::Number(java_double(value)))
            }
            other => other.cloned(),
        };
        self.rules.alphabet.check(name).map_err(invalid)?;
        if let (true, Some(value)) = (self.rules.defaults, &default) {
            defaults::check(&Unresolved(&self.nodes), name, schema, value, self.limits)?;
        }
        let mut aliases: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for alias in aliases_of(json)? {
            if seen.insert(alias) {
                aliases.push(alias.to_owned());
            }
        }
        self.count(1)?;
        record.done.push(Field {
            name: name.to_owned(),
            schema,
            doc: text(json, "doc").map(str::to_owned),
            default,
            order,
            aliases,
            props: props(json, |key| FIELD_RESERVED.contains(&key)),
        });
        Ok(())
    }

    fn finish_record(&mut self, frame: RecordFrame<'_>) -> Result<NodeId, ParseError> {
        let RecordFrame { json, name, done: fields, .. } = frame;
        let mut positions = HashMap::new();
        for (at, field) in fields.iter().enumerate() {
            let Some(first) = positions.insert(field.name.as_str(), at) else { continue };
            let describe = |at: usize| {
                let field = fields.get(at);
                let node = field.and_then(|field| self.nodes.get(field.schema.index()));
                let kind = node.map_or("", |node| type_name(&node.kind)).to_uppercase();
                format!("{} type:{kind} pos:{at}", field.map_or("", |field| &field.name))
            };
            let (later, first) = (describe(at), describe(first));
            return Err(invalid(format!(
                "Duplicate field {} in record {name}: {later} and {first}.",
                field.name
            )));
        }
        let is_error = text(json, "type") == Some("error");
        let named = self.named(json, name)?;
        let kind = Kind::Record(Record { named, is_error, fields });
        self.define(kind, props(json, |key| SCHEMA_RESERVED.contains(&key)))
    }

    fn enumeration(&mut self, json: &Json, namespace: Option<&str>) -> Result<NodeId, ParseError> {
        let name = self.name(json, namespace)?;
        let Some(Json::Array(list)) = json.get("symbols") else {
            return Err(invalid(format!("Enum has no symbols: {}", shown(json))));
        };
        self.count(list.len())?;
        let mut symbols: Vec<String> = Vec::with_capacity(list.len());
        let mut seen = HashSet::new();
        for symbol in list {
            let symbol = symbol.as_str().ok_or_else(|| invalid("Null name"))?;
            self.rules.alphabet.check(symbol).map_err(invalid)?;
            if !seen.insert(symbol) {
                return Err(invalid(format!("Duplicate enum symbol: {symbol}")));
            }
            symbols.push(symbol.to_owned());
        }
        let default = text(json, "default");
        if let Some(default) = default.filter(|default| !seen.contains(default)) {
            let symbols = symbols.join(", ");
            return Err(invalid(format!(
                "The Enum Default: {} is not in the enum symbol set: [{}]",
                clip(default),
                clip(&symbols)
            )));
        }
        let default = default.map(str::to_owned);
        let named = self.named(json, name)?;
        let props = props(json, |key| key == "default" || SCHEMA_RESERVED.contains(&key));
        self.define(Kind::Enum(Enum { named, symbols, default }), props)
    }

    fn fixed(&mut self, json: &Json, namespace: Option<&str>) -> Result<NodeId, ParseError> {
        let name = self.name(json, namespace)?;
        let size = match json.get("size") {
            Some(Json::Number(text)) => jsontext::Number::of(text).as_i32(),
            _ => None,
        };
        let size = size.ok_or_else(|| invalid(format!("Invalid or no size: {}", shown(json))))?;
        if size > MAX_FIXED_SIZE {
            return Err(invalid(format!(
                "Cannot read arrays longer than {MAX_FIXED_SIZE} bytes in Java library"
            )));
        }
        let size = usize::try_from(size)
            .map_err(|_| invalid(format!("Malformed data. Length is negative: {size}")))?;
        let named = self.named(json, name)?;
        self.define(Kind::Fixed(Fixed { named, size }), props(json, |key| SCHEMA_RESERVED.contains(&key)))
    }

    /// Adds aliases and doc to a name.
    fn named(&mut self, json: &Json, name: Name) -> Result<Named, ParseError> {
        let mut aliases: Vec<Name> = Vec::new();
        let mut seen = HashSet::new();
        for alias in aliases_of(json)? {
            self.charge(alias.len() + name.namespace.as_ref().map_or(0, String::len))?;
            let alias = Name::new(alias, name.namespace.as_deref());
            self.rules.outer_alphabet.check(&alias.simple).map_err(invalid)?;
            if seen.insert(alias.clone()) {
                aliases.push(alias);
            }
        }
        Ok(Named { name, aliases, doc: text(json, "doc").map(str::to_owned) })
    }

    /// Adds a named type and enters it in the table. A second definition must equal the first, which keeps its place.
    fn define(&mut self, kind: Kind, props: Vec<(String, Json)>) -> Result<NodeId, ParseError> {
        let id = self.push(Node { kind, props })?;
        let Some(name) =
            self.nodes.get(id.index()).and_then(|node| named(&node.kind)).map(|named| &named.name)
        else {
            return Ok(id);
        };
        if let Some(namespace) = &name.namespace {
            self.rules.outer_alphabet.check_namespace(namespace).map_err(invalid)?;
        }
        let full = name.to_string();
        match self.table.get(&full) {
            Some(&known) if !equivalence::same_model(&self.nodes, known, id) => {
                Err(invalid(format!("Can't redefine: {full}")))
            }
            Some(_) => Ok(id),
            None => {
                self.table.insert(full, id);
                self.defined.push(id);
                Ok(id)
            }
        }
    }

    fn unnamed(&mut self, kind: Kind, json: &Json) -> Result<NodeId, ParseError> {
        self.push(Node { kind, props: props(json, |key| SCHEMA_RESERVED.contains(&key)) })
    }

    fn push(&mut self, node: Node) -> Result<NodeId, ParseError> {
        self.count(1)?;
        let id = u32::try_from(self.nodes.len()).map_err(|_| self.too_many())?;
        self.nodes.push(node);
        Ok(NodeId(id))
    }

    fn count(&mut self, more: usize) -> Result<(), ParseError> {
        self.counted = self.counted.saturating_add(more);
        if self.counted > self.limits.nodes { Err(self.too_many()) } else { Ok(()) }
    }

    fn too_many(&self) -> ParseError {
        ParseError::TooLarge { what: "types, fields and symbols", limit: self.limits.nodes }
    }

    fn charge(&mut self, bytes: usize) -> Result<(), ParseError> {
        let what = "times the bytes of the text in full names";
        let too_large = ParseError::TooLarge { what, limit: NAME_BYTES_PER_BYTE };
        self.name_bytes_left = self.name_bytes_left.checked_sub(bytes).ok_or(too_large)?;
        Ok(())
    }
}

/// The arena while names are not resolved: placeholders are records without fields.
struct Unresolved<'a>(&'a [Node]);

impl defaults::Types for Unresolved<'_> {
    fn node(&self, id: NodeId) -> Option<&Node> {
        self.0.get(id.index())
    }

    fn has_fields(&self, _: NodeId) -> bool {
        true
    }

    fn text(&self, id: NodeId) -> String {
        print::excerpt(self.0, id)
    }
}
