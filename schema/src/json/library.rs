//! The documents of a schema: its own text, those it references, and the meta-schemas everyone knows; and how a
//! reference finds its way among them (schema formats spec §5.4). Nothing else is ever opened.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::metaschemas;
use super::model::Dialect;
use super::uri::{is_valid, resolve, split_fragment, token_decoded};
use crate::format::ParseError;
use crate::jsontext::Json;
use crate::limits::Limits;

/// The base of a modern text that names none.
const MODERN_BASE: &str = "mem://input";

/// Everything that references may lead to.
pub(in crate::json) struct Library<'a> {
    dialect: Dialect,
    documents: Vec<Document<'a>>,
    by_uri: HashMap<String, usize>,
    /// How many bytes of resolved URIs may still be made: a long base under many relative ids makes many.
    uri_bytes: usize,
    /// Members of large objects by name, by the address of the object: a text may reference each of its definitions.
    members: HashMap<*const Json, HashMap<&'a str, &'a Json>>,
}

/// Objects with more members than this get an index.
const INDEX_FROM: usize = 16;

struct Document<'a> {
    root: &'a Json,
    /// Its own `$schema` counts, as long as both are of drafts 4–7.
    dialect: Dialect,
    /// What it is registered as; the base of its references until an `$id` changes it.
    base: Arc<str>,
    /// Absolute URIs of subschemas that name themselves.
    ids: Ids<'a>,
}

/// A JSON value, and what surrounds it.
#[derive(Clone, Debug)]
pub(in crate::json) struct Place<'a> {
    pub(in crate::json) json: &'a Json,
    /// Index of its document.
    pub(in crate::json) document: usize,
    /// Base URI of the references directly inside, the value's own `$id` not yet considered.
    pub(in crate::json) base: Arc<str>,
}

/// Where a reference leads.
pub(in crate::json) struct Found<'a> {
    pub(in crate::json) place: Place<'a>,
    /// The reference, resolved.
    pub(in crate::json) uri: String,
}

impl<'a> Library<'a> {
    /// `references`: names and texts, in order.
    pub(in crate::json) fn new(
        dialect: Dialect,
        root: &'a Json,
        references: &'a [(String, Json)],
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        let own_id = id_of(dialect, root).map(|id| split_fragment(id).0).unwrap_or_default();
        let is_modern = dialect == Dialect::Modern;
        let root_base = match (own_id, is_modern) {
            ("", true) => MODERN_BASE,
            (id, _) => id,
        };
        let uri_bytes = limits.schema_bytes.saturating_mul(URI_SHARE);
        let mut library = Self {
            dialect,
            documents: Vec::new(),
            by_uri: HashMap::new(),
            uri_bytes,
            members: HashMap::new(),
        };
        library.add(root, root_base, &[root_base])?;
        for (name, text) in references {
            let absolute = resolve(root_base, name);
            if is_modern {
                let (in_memory, dotted) = (resolve(MODERN_BASE, name), format!("./{name}"));
                let is_relative = !name.starts_with('.') && !name.contains(':');
                let dotted = if is_relative { &dotted } else { name };
                library.add(text, &absolute, &[&absolute, name, &in_memory, dotted])?;
            } else {
                library.add(text, &absolute, &[&absolute])?;
            }
        }
        Ok(library)
    }

    fn add(&mut self, root: &'a Json, base: &str, uris: &[&str]) -> Result<(), ParseError> {
        let base: Arc<str> = base.into();
        let at = self.documents.len();
        for uri in uris {
            let uri = split_fragment(uri).0;
            if !uri.is_empty() {
                self.by_uri.entry(uri.to_owned()).or_insert(at);
            }
        }
        let own = match self.dialect {
            Dialect::Modern => None,
            _ => known_dialect(root).filter(|own| *own != Dialect::Modern),
        };
        let dialect = own.unwrap_or(self.dialect);
        let ids = self.collect_ids(root, &base, dialect)?;
        self.documents.push(Document { root, dialect, base, ids });
        Ok(())
    }

    /// The dialect that a document is read with.
    pub(in crate::json) fn dialect(&self, document: usize) -> Dialect {
        self.documents.get(document).map_or(self.dialect, |document| document.dialect)
    }

    /// The whole text of a document.
    pub(in crate::json) fn root(&self, document: usize) -> Option<Place<'a>> {
        let Document { root, base, .. } = self.documents.get(document)?;
        Some(Place { json: root, document, base: base.clone() })
    }

    /// The base inside an object, which its own `$id` may change.
    pub(in crate::json) fn base_inside(&self, place: &Place<'a>) -> Option<Arc<str>> {
        match self.documents.first() {
            // The base of the whole is its id already.
            Some(own) if place.document == 0 && std::ptr::eq(own.root, place.json) => None,
            _ => base_inside(self.dialect(place.document), &place.base, place.json),
        }
    }

    /// Finds what `reference`, written at a place with this base, leads to.
    pub(in crate::json) fn find(
        &mut self,
        document: usize,
        base: &str,
        reference: &str,
    ) -> Option<Found<'a>> {
        if reference.is_empty() || !is_valid(reference) {
            return None;
        }
        let uri = resolve(base, reference);
        let (url, fragment) = split_fragment(&uri);
        let place = self.named(document, &uri).or_else(|| {
            let start = self.document_of(document, url, reference)?;
            match fragment.unwrap_or_default() {
                "" => Some(start),
                fragment => self.inside(start, url, fragment),
            }
        })?;
        Some(Found { place, uri })
    }

    /// The subschema of a document that names itself so.
    fn named(&self, document: usize, uri: &str) -> Option<Place<'a>> {
        let is_modern = self.dialect == Dialect::Modern;
        let uri = uri.strip_suffix('#').filter(|_| is_modern).unwrap_or(uri);
        let (json, base) = self.documents.get(document)?.ids.get(uri)?;
        Some(Place { json, document, base: base.clone() })
    }

    /// The start of what a URI without fragment names.
    fn document_of(&mut self, document: usize, url: &str, reference: &str) -> Option<Place<'a>> {
        let own = self.documents.get(document)?;
        // In drafts 4–7 a mere fragment always starts at the whole document.
        let is_own = self.dialect != Dialect::Modern && reference.starts_with('#');
        if is_own || url.is_empty() || *url == *own.base {
            return self.root(document);
        }
        if let Some(place) = self.named(document, url).filter(|_| self.dialect == Dialect::Modern) {
            return Some(place);
        }
        // A modern text may also say the name as it is registered, whatever its base.
        let as_written = split_fragment(reference).0;
        let as_written = if self.dialect == Dialect::Modern { self.by_uri.get(as_written) } else { None };
        if let Some(&at) = self.by_uri.get(url).or(as_written) {
            return self.root(at);
        }
        let known = metaschemas::get(self.dialect, url)?;
        self.add(known, url, &[url]).ok()?;
        self.root(self.documents.len() - 1)
    }

    /// Follows a fragment from the start of a document or of a subschema that names itself.
    fn inside(&mut self, start: Place<'a>, url: &str, fragment: &str) -> Option<Place<'a>> {
        if let Some(place) = self.named(start.document, &format!("{url}#{fragment}")) {
            return Some(place);
        }
        let start_base = self.documents.get(start.document).map(|document| &*document.base);
        if let Some(place) = start_base
            .filter(|base| *base != url)
            .and_then(|base| self.named(start.document, &format!("{base}#{fragment}")))
        {
            return Some(place);
        }
        let tokens = if self.dialect == Dialect::Modern {
            fragment.strip_prefix('/')?
        } else {
            // The reference splits at slashes, drops what comes before the first, and empty ends.
            match fragment.split_once('/') {
                Some((_, tokens)) => tokens.trim_end_matches('/'),
                None => "",
            }
        };
        if tokens.is_empty() && self.dialect != Dialect::Modern {
            return Some(start);
        }
        let is_root =
            self.documents.get(start.document).is_some_and(|own| std::ptr::eq(own.root, start.json));
        let mut place = start;
        let mut first = is_root;
        let mut tokens = tokens.split('/').peekable();
        while let Some(token) = tokens.next() {
            let token = token_decoded(token)?.replace("~1", "/").replace("~0", "~");
            let base = self.base_inside(&place).unwrap_or(place.base);
            let json = match place.json {
                Json::Object(_) if first && token == "$defs" => {
                    let own = self.member(place.json, "$defs");
                    let mirrored = self.member(place.json, "definitions");
                    let name = tokens.peek().copied().and_then(token_decoded);
                    let name = name.map(|name| name.replace("~1", "/").replace("~0", "~"));
                    let mut holds = |json| name.as_ref().is_none_or(|name| self.member(json, name).is_some());
                    match (own, mirrored) {
                        (Some(own), Some(mirrored)) if !holds(own) && holds(mirrored) => mirrored,
                        (own, mirrored) => own.or(mirrored)?,
                    }
                }
                Json::Object(_) => self.member(place.json, &token)?,
                Json::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
            place = Place { json, document: place.document, base };
            first = false;
        }
        Some(place)
    }

    fn member(&mut self, json: &'a Json, key: &str) -> Option<&'a Json> {
        match json {
            Json::Object(members) if members.len() > INDEX_FROM => {
                let index = self.members.entry(json).or_insert_with(|| {
                    members.iter().map(|(name, member)| (name.as_str(), member)).collect()
                });
                index.get(key).copied()
            }
            json => json.get(key),
        }
    }

    /// Every object of a text that names itself, by `$id` or (modern) by an anchor. In a modern text, if it is not a
    /// reference, no two may have the same name.
    fn collect_ids(
        &mut self,
        root: &'a Json,
        base: &Arc<str>,
        dialect: Dialect,
    ) -> Result<Ids<'a>, ParseError> {
        let mut ids: Ids<'a> = HashMap::new();
        let is_modern = dialect == Dialect::Modern;
        let is_first = self.documents.is_empty();
        if is_first && is_modern {
            ids.insert(base.to_string(), (root, base.clone()));
        }
        let mut values = vec![(root, base.clone())];
        while let Some((json, base)) = values.pop() {
            match json {
                Json::Object(members) => {
                    let is_whole = is_first && std::ptr::eq(json, root);
                    let inside = if is_whole { None } else { base_inside(dialect, &base, json) };
                    self.spend(inside.as_ref().map_or(0, |inside| inside.len()))?;
                    let id = id_of(dialect, json).filter(|id| is_modern || !id.is_empty());
                    if let Some(id) = id {
                        let uri = match dialect {
                            _ if is_whole => base.to_string(),
                            Dialect::Modern => {
                                let uri = resolve(&base, id);
                                uri.strip_suffix('#').map(str::to_owned).unwrap_or(uri)
                            }
                            _ if id.starts_with('#') => resolve(&base, id),
                            // In the reference a resolved `$ref` must be the very text of the id.
                            _ => id.to_owned(),
                        };
                        self.spend(uri.len())?;
                        name(&mut ids, uri, (json, &base), is_first && is_modern)?;
                    }
                    for (key, is_unique) in [("$anchor", is_first), ("$dynamicAnchor", false)] {
                        if let Some(anchor) = json.get(key).and_then(Json::as_str).filter(|_| is_modern) {
                            let own = split_fragment(inside.as_deref().unwrap_or(&base)).0;
                            self.spend(own.len() + anchor.len())?;
                            name(&mut ids, format!("{own}#{anchor}"), (json, &base), is_unique)?;
                        }
                    }
                    let inside = inside.unwrap_or(base);
                    // What cannot hold an object needs no base of its own, and values name nothing.
                    let nested = members.iter().rev().filter(|(key, member)| {
                        is_nested(member) && !(is_modern && matches!(key.as_str(), "enum" | "const"))
                    });
                    values.extend(nested.map(|(_, member)| (member, inside.clone())));
                }
                Json::Array(items) => {
                    let nested = items.iter().rev().filter(|item| is_nested(item));
                    values.extend(nested.map(|item| (item, base.clone())));
                }
                _ => {}
            }
        }
        Ok(ids)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ParseError> {
        let limit = self.uri_bytes;
        self.uri_bytes =
            limit.checked_sub(bytes).ok_or(ParseError::TooLarge { what: "bytes of URIs", limit })?;
        Ok(())
    }
}

/// Enters a subschema by what it calls itself, unless another has taken the name, which is an error if names are unique.
fn name<'a>(
    ids: &mut Ids<'a>,
    uri: String,
    (json, base): (&'a Json, &Arc<str>),
    is_unique: bool,
) -> Result<(), ParseError> {
    match ids.entry(uri) {
        Entry::Occupied(known) if is_unique && !std::ptr::eq(known.get().0, json) => {
            Err(super::invalid(format!("Invalid JSON: two schemas are called {:?}", known.key())))
        }
        Entry::Occupied(_) => Ok(()),
        Entry::Vacant(free) => {
            free.insert((json, base.clone()));
            Ok(())
        }
    }
}

/// Subschemas by what they call themselves, each with the base around it.
type Ids<'a> = HashMap<String, (&'a Json, Arc<str>)>;

/// Most bytes of resolved URIs, in times of the longest text.
const URI_SHARE: usize = 16;

fn is_nested(json: &Json) -> bool {
    matches!(json, Json::Object(_) | Json::Array(_))
}

fn base_inside(dialect: Dialect, base: &str, json: &Json) -> Option<Arc<str>> {
    let id = id_of(dialect, json).filter(|id| !id.is_empty() && !id.starts_with('#'))?;
    Some(resolve(base, id).into())
}

/// The dialect that `$schema` names, if it is one of those known.
pub(in crate::json) fn known_dialect(root: &Json) -> Option<Dialect> {
    let schema = root.get("$schema")?.as_str()?;
    let schema = schema.strip_suffix('#').unwrap_or(schema);
    let path = schema.strip_prefix("https://").or_else(|| schema.strip_prefix("http://"))?;
    match path.strip_prefix("json-schema.org/")? {
        "draft-04/schema" | "schema" => Some(Dialect::Draft4),
        "draft-06/schema" => Some(Dialect::Draft6),
        "draft-07/schema" => Some(Dialect::Draft7),
        "draft/2019-09/schema" | "draft/2020-12/schema" => Some(Dialect::Modern),
        _ => None,
    }
}

/// What an object calls itself, if it is text.
pub(in crate::json) fn id_of(dialect: Dialect, json: &Json) -> Option<&str> {
    json.get(if dialect == Dialect::Draft4 { "id" } else { "$id" }).and_then(Json::as_str)
}
