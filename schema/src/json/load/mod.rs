//! Turns JSON into nodes, as the two loaders of the reference do (schema formats spec §3.1, §3.5).
//!
//! Nothing recurses: a place that needs a node gets its id at once and waits in a list until its turn comes.

mod drafts;
mod modern;

use std::collections::HashMap;

use md5::{Digest as _, Md5};

use super::decimal::Decimal;
use super::library::{Library, Place, known_dialect};
use super::model::{
    Annotations, Bound, Combined, Criterion, Dialect, Digest, Kind, Model, Node, NodeId, Reference,
};
use super::{pattern, text, uri};
use crate::format::ParseError;
use crate::jsontext::Json;
use crate::limits::Limits;

/// Loads the nodes of `root` and of all that can be reached from it.
///
/// Errors: [`ParseError::Invalid`] for what the reference refuses to load; [`ParseError::TooLarge`].
pub(in crate::json) fn load(
    root: &Json,
    references: &[(String, Json)],
    limits: &Limits,
) -> Result<Model, ParseError> {
    let kind = match root {
        Json::Object(_) | Json::Bool(_) => None,
        Json::String(_) => Some("STRING"),
        Json::Number(_) => Some("NUMBER"),
        Json::Array(_) => Some("ARRAY"),
        Json::Null => Some("NULL"),
    };
    if let Some(kind) = kind {
        return Err(super::invalid(format!(
            "Invalid JSON schema: expected an object or boolean at the root, found {kind}"
        )));
    }
    let dialect = dialect(root)?;
    let library = Library::new(dialect, root, references, limits)?;
    let mut loader = Loader {
        dialect,
        limits,
        library,
        nodes: Vec::new(),
        by_json: HashMap::new(),
        waiting: Vec::new(),
        copies: HashMap::new(),
        copied_bytes: limits.schema_bytes.saturating_mul(COPIED_SHARE),
    };
    let start = loader.library.root(0).ok_or_else(|| super::invalid("Invalid JSON"))?;
    let id = loader.child(&start, root)?;
    loader.run().map_err(|problem| problem.into_error(root))?;
    Ok(Model { nodes: loader.nodes, root: id, dialect })
}

/// The dialect that `$schema` names.
pub(in crate::json) fn dialect(root: &Json) -> Result<Dialect, ParseError> {
    match root.get("$schema") {
        None | Some(Json::String(_)) => Ok(known_dialect(root).unwrap_or(Dialect::Draft7)),
        Some(_) => Err(super::invalid("Invalid JSON: $schema must be a string")),
    }
}

/// Most bytes of values (defaults, enums, unknown keywords) that are copied or hashed, in times of the longest text:
/// places that lie inside each other's values multiply.
const COPIED_SHARE: usize = 16;

/// How the reason ends where a reference leads nowhere.
pub(in crate::json) const UNRESOLVED: &str = "cannot be resolved";

struct Loader<'a> {
    /// The dialect of the place that is being loaded.
    dialect: Dialect,
    limits: &'a Limits,
    library: Library<'a>,
    nodes: Vec<Node>,
    /// Nodes by the address of their JSON, which is borrowed for longer than the loader lives.
    by_json: HashMap<*const Json, NodeId>,
    waiting: Vec<(NodeId, Place<'a>)>,
    /// Numbers of the copies that references load, by resolved URI.
    copies: HashMap<String, u32>,
    /// How many bytes of values may still be copied or hashed.
    copied_bytes: usize,
}

/// Why a place cannot be loaded.
enum Problem {
    /// What is wrong, and where.
    Invalid(String, *const Json),
    TooLarge(ParseError),
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        Self::TooLarge(error)
    }
}

impl Problem {
    fn into_error(self, root: &Json) -> ParseError {
        match self {
            Self::TooLarge(error) => error,
            Self::Invalid(reason, place) => {
                let pointer = pointer_to(root, place).map(|pointer| format!(" at #{pointer}"));
                super::invalid(format!("Invalid JSON: {reason}{}", pointer.unwrap_or_default()))
            }
        }
    }
}

/// Pointer to the value at an address.
fn pointer_to(root: &Json, place: *const Json) -> Option<String> {
    let mut values = vec![(root, None::<usize>, String::new())];
    let mut reached: Vec<(Option<usize>, String)> = Vec::new();
    while let Some((json, parent, step)) = values.pop() {
        reached.push((parent, step));
        let at = reached.len() - 1;
        if std::ptr::eq(json, place) {
            let (mut steps, mut at) = (Vec::new(), at);
            while let Some((Some(parent), step)) = reached.get(at) {
                steps.push(step.replace('~', "~0").replace('/', "~1"));
                at = *parent;
            }
            return Some(steps.iter().rev().map(|step| format!("/{step}")).collect());
        }
        match json {
            Json::Array(items) => {
                values.extend(items.iter().enumerate().map(|(n, item)| (item, Some(at), n.to_string())));
            }
            Json::Object(members) => {
                values.extend(members.iter().map(|(key, member)| (member, Some(at), key.clone())));
            }
            _ => {}
        }
    }
    None
}

impl<'a> Loader<'a> {
    fn run(&mut self) -> Result<(), Problem> {
        while let Some((id, place)) = self.waiting.pop() {
            self.dialect = self.library.dialect(place.document);
            let node = match place.json {
                Json::Bool(true) => Node { kind: Kind::True, ..Node::default() },
                Json::Bool(false) => Node { kind: Kind::False, ..Node::default() },
                Json::Object(members) => {
                    let object = Object::new(place.json, members);
                    let base = self.library.base_inside(&place).unwrap_or(place.base.clone());
                    let inside = Place { base, ..place };
                    match self.dialect {
                        Dialect::Modern => self.modern(&inside, object)?,
                        _ => self.draft(&inside, object)?,
                    }
                }
                other => return Err(Problem::Invalid("expected an object or a boolean".to_owned(), other)),
            };
            if let Some(slot) = self.nodes.get_mut(id.index()) {
                *slot = node;
            }
        }
        if self.dialect == Dialect::Modern {
            self.flatten_children();
        }
        Ok(())
    }

    /// The node of a value inside a place, which is loaded later unless it is known.
    fn child(&mut self, parent: &Place<'a>, json: &'a Json) -> Result<NodeId, ParseError> {
        self.place(Place { json, document: parent.document, base: parent.base.clone() })
    }

    fn place(&mut self, place: Place<'a>) -> Result<NodeId, ParseError> {
        let address: *const Json = place.json;
        if let Some(known) = self.by_json.get(&address) {
            return Ok(*known);
        }
        let id = self.add(Node::default())?;
        self.by_json.insert(address, id);
        self.waiting.push((id, place));
        Ok(id)
    }

    fn add(&mut self, node: Node) -> Result<NodeId, ParseError> {
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if self.nodes.len() >= self.limits.nodes {
            return Err(ParseError::TooLarge { what: "nodes", limit: self.limits.nodes });
        }
        self.nodes.push(node);
        Ok(NodeId(id))
    }

    /// One node for several kinds side by side.
    fn joined(&mut self, mut kinds: Vec<Kind>) -> Result<Kind, ParseError> {
        if kinds.len() > 1 {
            let children = kinds.into_iter().map(|kind| self.add(Node { kind, ..Node::default() }));
            return Ok(combined(Criterion::AllOf, children.collect::<Result<_, _>>()?, true));
        }
        Ok(kinds.pop().unwrap_or_default())
    }

    /// In modern dialects the reference takes a child of several kinds for several children.
    fn flatten_children(&mut self) {
        let generated = |node: Option<&Node>| match node {
            Some(Node { kind: Kind::Combined(inner), .. })
                if inner.is_generated && inner.criterion == Criterion::AllOf =>
            {
                Some(inner.children.clone())
            }
            _ => None,
        };
        for at in 0..self.nodes.len() {
            let Some(Kind::Combined(combined)) = self.nodes.get(at).map(|node| &node.kind) else { continue };
            if combined.is_generated {
                continue;
            }
            let flat: Vec<NodeId> = combined
                .children
                .iter()
                .flat_map(|id| generated(self.nodes.get(id.index())).unwrap_or_else(|| vec![*id]))
                .collect();
            if let Some(Kind::Combined(combined)) = self.nodes.get_mut(at).map(|node| &mut node.kind)
                && flat != combined.children
            {
                combined.written = Some(std::mem::replace(&mut combined.children, flat));
            }
        }
    }

    fn reference(&mut self, inside: &Place<'a>, json: &'a Json, what: &str) -> Result<Kind, Problem> {
        let Json::String(text) = json else {
            return Err(Problem::Invalid(format!("{what} must be a string"), json));
        };
        let found = self.library.find(inside.document, &inside.base, text);
        let found = found.ok_or_else(|| Problem::Invalid(format!("{what} {text:?} {UNRESOLVED}"), json))?;
        let next = u32::try_from(self.copies.len() + 1).unwrap_or(u32::MAX);
        let copy = *self.copies.entry(found.uri).or_insert(next);
        let target = self.place(found.place)?;
        Ok(Kind::Reference(Reference { text: text.clone(), target, copy }))
    }

    fn schema(&mut self, inside: &Place<'a>, json: &'a Json) -> Result<NodeId, Problem> {
        Ok(self.child(inside, json)?)
    }

    fn schemas(
        &mut self,
        inside: &Place<'a>,
        json: &'a Json,
        what: &str,
    ) -> Result<Vec<(String, NodeId)>, Problem> {
        let Json::Object(members) = json else {
            return Err(Problem::Invalid(format!("{what} must be an object"), json));
        };
        members.iter().map(|(name, json)| Ok((name.clone(), self.child(inside, json)?))).collect()
    }

    fn schema_list(
        &mut self,
        inside: &Place<'a>,
        json: &'a Json,
        what: &str,
    ) -> Result<Vec<NodeId>, Problem> {
        let Json::Array(items) = json else {
            return Err(Problem::Invalid(format!("{what} must be an array"), json));
        };
        items.iter().map(|json| Ok(self.child(inside, json)?)).collect()
    }

    fn patterns(&mut self, inside: &Place<'a>, json: &'a Json) -> Result<Vec<(String, NodeId)>, Problem> {
        let schemas = self.schemas(inside, json, "patternProperties")?;
        for (name, _) in &schemas {
            pattern::check(name).map_err(|reason| Problem::Invalid(reason.to_string(), json))?;
        }
        Ok(schemas)
    }

    /// A copy of a value, within bounds.
    fn value(&mut self, json: &Json) -> Result<Json, ParseError> {
        let mut values = vec![json];
        while let Some(value) = values.pop() {
            let bytes = match value {
                Json::String(text) | Json::Number(text) => text.len(),
                Json::Array(items) => {
                    values.extend(items);
                    0
                }
                Json::Object(members) => {
                    values.extend(members.iter().map(|(_, member)| member));
                    members.iter().map(|(key, _)| key.len()).sum()
                }
                _ => 0,
            };
            self.spend(bytes.saturating_add(size_of::<Json>()))?;
        }
        Ok(json.clone())
    }

    /// What is said about a value, and a digest of what nobody else has looked at.
    fn annotations(&mut self, object: &mut Object<'a>, id_key: &str) -> Result<Annotations, Problem> {
        let id = object.take(id_key).and_then(Json::as_str).map(str::to_owned);
        let title = object.string("title")?;
        let description = object.string("description")?;
        let default = object.take("default").map(|json| self.value(json)).transpose()?;
        let is_connect_bytes = object.get("connect.type").and_then(Json::as_str) == Some("bytes");
        Ok(Annotations { id, title, description, default, is_connect_bytes, rest: self.rest(object)? })
    }

    fn rest(&mut self, object: &Object<'a>) -> Result<Digest, ParseError> {
        let mut rest: Vec<&(String, Json)> = object.rest().collect();
        if rest.is_empty() {
            return Ok(Digest::default());
        }
        rest.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut hash = Md5::new();
        for (key, json) in rest {
            hash.update(key.len().to_le_bytes());
            hash.update(key.as_bytes());
            let text = text::normalized(json);
            self.spend(text.len())?;
            hash.update(text.as_bytes());
        }
        Ok(hash.finalize().into())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ParseError> {
        let limit = self.copied_bytes;
        let left = limit.checked_sub(bytes);
        self.copied_bytes = left.ok_or(ParseError::TooLarge { what: "bytes of values", limit })?;
        Ok(())
    }
}

/// An object's members, and which of them have been looked at.
struct Object<'a> {
    json: &'a Json,
    members: &'a [(String, Json)],
    /// Positions by name, where there are many.
    index: Option<HashMap<&'a str, usize>>,
    taken: Vec<bool>,
}

/// Objects with more members than this get an index.
const INDEX_FROM: usize = 16;

impl<'a> Object<'a> {
    fn new(json: &'a Json, members: &'a [(String, Json)]) -> Self {
        let index = (members.len() > INDEX_FROM)
            .then(|| members.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect());
        Self { json, members, index, taken: vec![false; members.len()] }
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.members.iter().position(|(name, _)| name == key),
        }
    }

    /// The name and the member of that name.
    fn member(&self, key: &str) -> Option<&'a (String, Json)> {
        self.members.get(self.position(key)?)
    }

    /// The member of that name.
    fn get(&self, key: &str) -> Option<&'a Json> {
        self.member(key).map(|(_, json)| json)
    }

    /// The member of that name, which is thereby looked at.
    fn take(&mut self, key: &str) -> Option<&'a Json> {
        let at = self.position(key)?;
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = true;
        }
        self.members.get(at).map(|(_, json)| json)
    }

    /// Whether one of these is there and has not been looked at.
    fn has_untaken(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.position(key).and_then(|at| self.taken.get(at)) == Some(&false))
    }

    /// What has not been looked at.
    fn rest(&self) -> impl Iterator<Item = &'a (String, Json)> {
        self.members.iter().zip(&self.taken).filter(|(_, taken)| !**taken).map(|(member, _)| member)
    }

    fn string(&mut self, key: &str) -> Result<Option<String>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(Problem::Invalid(format!("{key} must be a string"), other)),
        }
    }

    fn boolean(&mut self, key: &str) -> Result<Option<bool>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(Problem::Invalid(format!("{key} must be a boolean"), other)),
        }
    }

    fn bound(&mut self, key: &str) -> Result<Option<Bound>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Number(text)) => {
                Ok(Some(Bound { text: text.clone(), value: text.parse().unwrap_or(f64::NAN) }))
            }
            Some(other) => Err(Problem::Invalid(format!("{key} must be a number"), other)),
        }
    }

    /// A whole number of 32 bits, written as one.
    fn integer(&mut self, key: &str) -> Result<Option<i32>, Problem> {
        let Some(json) = self.take(key) else { return Ok(None) };
        let value = match json {
            Json::Number(text) => text.parse().ok(),
            _ => None,
        };
        value.map(Some).ok_or_else(|| Problem::Invalid(format!("{key} must be an integer of 32 bits"), json))
    }

    /// The integer part of any number.
    fn integer_part(&mut self, key: &str) -> Result<Option<i32>, Problem> {
        let Some(json) = self.take(key) else { return Ok(None) };
        let Json::Number(text) = json else {
            return Err(Problem::Invalid(format!("{key} must be a number"), json));
        };
        Ok(Decimal::of(text).map(|decimal| decimal.int_value()))
    }

    fn pattern(&mut self) -> Result<Option<String>, Problem> {
        let json = self.get("pattern");
        let Some(text) = self.string("pattern")? else { return Ok(None) };
        match pattern::check(&text) {
            Ok(()) => Ok(Some(text)),
            Err(reason) => Err(Problem::Invalid(reason.to_string(), json.unwrap_or(self.json))),
        }
    }

    fn valid_uri(&self, key: &str) -> Result<(), Problem> {
        match self.get(key) {
            Some(json @ Json::String(text)) if !uri::is_valid(text) => {
                Err(Problem::Invalid(format!("{key} is not a URI"), json))
            }
            _ => Ok(()),
        }
    }
}

fn combined(criterion: Criterion, children: Vec<NodeId>, is_generated: bool) -> Kind {
    Kind::Combined(Combined { criterion, children, is_generated, written: None })
}

fn strings(json: &Json, what: &str) -> Result<Vec<String>, Problem> {
    let Json::Array(items) = json else {
        return Err(Problem::Invalid(format!("{what} must be an array"), json));
    };
    let texts = items.iter().map(|item| {
        let text = item.as_str().map(str::to_owned);
        text.ok_or_else(|| Problem::Invalid(format!("{what} must hold strings"), item))
    });
    texts.collect()
}
