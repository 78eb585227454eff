//! Inline tags: what the languages share (schema formats spec §8). Where the tags of a schema are, and what a path to them
//! looks like, is in `tags.rs` of each language.

use std::collections::HashSet;

use crate::format::EntityTags;
#[cfg(any(feature = "avro", feature = "json"))]
use crate::{format::ParseError, jsontext::Json};

/// The attribute of Avro's and keyword of JSON Schema's that holds tags.
#[cfg(any(feature = "avro", feature = "json"))]
const TAGS: &str = "confluent:tags";

/// The changes of the tags of one entity.
pub(crate) struct Edit<'t> {
    /// The entity, as it is named first.
    pub entity: &'t EntityTags,
    add: &'t [EntityTags],
    remove: &'t [EntityTags],
}

/// The changes of each entity that is named, in the order of their first names.
pub(crate) fn edits<'t>(add: &'t [EntityTags], remove: &'t [EntityTags]) -> impl Iterator<Item = Edit<'t>> {
    let mut seen = HashSet::new();
    let entities = add.iter().chain(remove);
    entities
        .filter(move |entity| seen.insert((entity.path.as_str(), entity.is_field)))
        .map(move |entity| Edit { entity, add, remove })
}

impl Edit<'_> {
    /// The tags that result: those that are there keep their order, new ones follow, each is there once.
    pub fn apply(&self, tags: impl IntoIterator<Item = String>) -> Vec<String> {
        let is_same =
            |other: &&EntityTags| other.path == self.entity.path && other.is_field == self.entity.is_field;
        let added = self.add.iter().filter(is_same).flat_map(|other| &other.tags);
        let removed: HashSet<&String> =
            self.remove.iter().filter(is_same).flat_map(|other| &other.tags).collect();
        let all = tags.into_iter().chain(added.cloned()).filter(|tag| !removed.contains(tag));
        distinct(all)
    }

    /// Applies the changes to the member of an object that holds its tags. A list without tags disappears.
    ///
    /// Errors: [`ParseError::Invalid`] if the member is no list.
    #[cfg(any(feature = "avro", feature = "json"))]
    pub fn apply_to(&self, members: &mut Vec<(String, Json)>, write: Write) -> Result<(), ParseError> {
        let position = members.iter().position(|(key, _)| key == TAGS);
        let existing = match position.and_then(|at| members.get(at)) {
            None => Vec::new(),
            Some((_, Json::Array(items))) => texts(items, write),
            Some(_) => return Err(ParseError::Invalid(format!("{TAGS} is not an array"))),
        };
        let tags: Vec<Json> = self.apply(existing).into_iter().map(Json::String).collect();
        match position {
            Some(at) if tags.is_empty() => drop(members.remove(at)),
            Some(at) => {
                if let Some((_, value)) = members.get_mut(at) {
                    *value = Json::Array(tags);
                }
            }
            None if tags.is_empty() => {}
            None => members.push((TAGS.to_owned(), Json::Array(tags))),
        }
        Ok(())
    }
}

/// How a language writes a tag that is no string.
#[cfg(any(feature = "avro", feature = "json"))]
pub(crate) type Write = fn(&mut String, &Json);

/// The tags among the members of an object; `None` if there are none.
#[cfg(any(feature = "avro", feature = "json"))]
pub(crate) fn of_members(members: &[(String, Json)], write: Write) -> Option<Vec<String>> {
    let (_, Json::Array(items)) = members.iter().find(|(key, _)| key == TAGS)? else { return None };
    let tags = distinct(texts(items, write));
    (!tags.is_empty()).then_some(tags)
}

#[cfg(any(feature = "avro", feature = "json"))]
fn texts(items: &[Json], write: Write) -> Vec<String> {
    let text = |item: &Json| {
        item.as_str().map(str::to_owned).unwrap_or_else(|| {
            let mut out = String::new();
            write(&mut out, item);
            out
        })
    };
    items.iter().map(text).collect()
}

/// Each tag once, where it is first.
pub(crate) fn distinct(tags: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect()
}
