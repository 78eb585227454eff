//! Inline tags: the member `tags` of Confluent's options of messages and fields (schema formats spec §8).

use super::model::{Message, MessageId, OptionValue, ProtoFile, ProtoOption, TypeId};
use super::parse::Budget;
use crate::format::{EntityTags, ParseError};
use crate::tags::{Edit, distinct, edits};

const MESSAGE_META: &str = "confluent.message_meta";
const FIELD_META: &str = "confluent.field_meta";
const TAGS: &str = "tags";
const DOC: &str = "doc";

/// Messages and fields that carry tags, each message before its fields and the messages in it.
pub(super) fn inline_tags(file: &ProtoFile) -> Vec<EntityTags> {
    let mut found = Vec::new();
    let mut open: Vec<MessageId> = file.messages_of(None).map(|(id, _)| id).collect();
    open.reverse();
    while let Some(id) = open.pop() {
        let message = file.message(id);
        let tags = tags_of(&message.options, MESSAGE_META);
        let fields = message.all_fields().map(|field| (field, tags_of(&field.options, FIELD_META)));
        let fields: Vec<_> = fields.filter(|(_, tags)| !tags.is_empty()).collect();
        if !tags.is_empty() || !fields.is_empty() {
            let path = file.path(TypeId::Message(id));
            let of_field = |(field, tags): (&super::model::Field, Vec<String>)| EntityTags {
                path: format!("{path}.{}", field.name),
                is_field: true,
                tags,
            };
            if !tags.is_empty() {
                found.push(EntityTags { path: path.clone(), is_field: false, tags });
            }
            found.extend(fields.into_iter().map(of_field));
        }
        let from = open.len();
        open.extend(file.messages_of(Some(id)).map(|(id, _)| id));
        if let Some(nested) = open.get_mut(from..) {
            nested.reverse();
        }
    }
    found
}

/// The file with tags added, then removed. Tags that are there keep their order, new ones follow.
///
/// Errors: [`ParseError::Invalid`] for a path that leads nowhere.
pub(super) fn with_tags(
    file: &ProtoFile,
    add: &[EntityTags],
    remove: &[EntityTags],
    budget: &mut Budget<'_>,
) -> Result<ProtoFile, ParseError> {
    let mut file = file.clone();
    for edit in edits(add, remove) {
        let entity = edit.entity;
        budget.steps(file.messages.len())?;
        let (options, name) = find(&mut file, entity).ok_or_else(|| {
            let (kind, path) = (if entity.is_field { "Field" } else { "Message" }, &entity.path);
            ParseError::Invalid(format!("No matching {kind} with name '{path}' found in the schema"))
        })?;
        replace_tags(options, name, &edit);
    }
    Ok(file)
}

/// The options of an entity, and what its tags are a member of. A member of a oneof may be named with or without it.
fn find<'f>(
    file: &'f mut ProtoFile,
    entity: &EntityTags,
) -> Option<(&'f mut Vec<ProtoOption>, &'static str)> {
    let path = entity.path.strip_prefix('.').unwrap_or(&entity.path);
    if !entity.is_field {
        let id = find_message(file, path)?;
        return Some((&mut file.messages.get_mut(id.0)?.options, MESSAGE_META));
    }
    let (outer, name) = path.rsplit_once('.')?;
    let mut oneof_name = None;
    let id = find_message(file, outer).or_else(|| {
        let (outer, oneof) = outer.rsplit_once('.')?;
        oneof_name = Some(oneof);
        find_message(file, outer)
    })?;
    let Message { fields, oneofs, .. } = file.messages.get_mut(id.0)?;
    let plain = fields.iter_mut().filter(|_| oneof_name.is_none());
    let members = oneofs
        .iter_mut()
        .filter(|oneof| oneof_name.is_none_or(|name| oneof.name == name))
        .flat_map(|oneof| &mut oneof.fields);
    let field = plain.chain(members).find(|field| field.name == name)?;
    Some((&mut field.options, FIELD_META))
}

/// The first message with that path within the package.
fn find_message(file: &ProtoFile, path: &str) -> Option<MessageId> {
    let mut at = None;
    for name in path.split('.') {
        at = Some(file.messages_of(at).find(|(_, message)| message.name == name)?.0);
    }
    at
}

/// The tags in some options, each once.
fn tags_of(options: &[ProtoOption], name: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for value in options.iter().filter(|option| is_meta(option, name)).map(|option| &option.value) {
        match value {
            OptionValue::Part(part, value) if part == TAGS => tags.extend(texts(value)),
            OptionValue::Aggregate(members) => {
                let values = members.iter().filter(|(key, _)| key == TAGS);
                tags.extend(values.flat_map(|(_, value)| texts(value)));
            }
            _ => {}
        }
    }
    distinct(tags)
}

fn texts(value: &OptionValue) -> Vec<String> {
    let items = match value {
        OptionValue::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let text = |item: &OptionValue| match item {
        OptionValue::Text(text) | OptionValue::Word(text) | OptionValue::Number(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

fn is_meta(option: &ProtoOption, name: &str) -> bool {
    option.is_extension && option.name.strip_prefix('.').unwrap_or(&option.name) == name
}

/// Merges the options called `name` into one aggregate with the tags that result, or without.
fn replace_tags(options: &mut Vec<ProtoOption>, name: &str, edit: &Edit<'_>) {
    let tags = edit.apply(tags_of(options, name)).into_iter().map(OptionValue::Text).collect::<Vec<_>>();
    let place = options.iter().position(|option| is_meta(option, name)).unwrap_or(options.len());
    let mut members: Vec<(String, OptionValue)> = Vec::new();
    for option in options.extract_if(.., |option| is_meta(option, name)) {
        match option.value {
            OptionValue::Part(part, value) => add_member(&mut members, part, *value),
            OptionValue::Aggregate(more) => {
                more.into_iter().for_each(|(key, value)| add_member(&mut members, key, value));
            }
            _ => {}
        }
    }
    let at = members.iter().position(|(key, _)| key == TAGS).unwrap_or(members.len());
    members.retain(|(key, _)| key != TAGS);
    if !tags.is_empty() {
        members.insert(at, (TAGS.to_owned(), OptionValue::List(tags)));
    }
    if !members.is_empty() {
        let value = OptionValue::Aggregate(members);
        options.insert(place, ProtoOption { name: name.to_owned(), is_extension: true, value });
    }
}

/// Adds a member; one that may occur repeatedly joins those of its name.
fn add_member(members: &mut Vec<(String, OptionValue)>, key: String, value: OptionValue) {
    let Some((_, previous)) = members.iter_mut().find(|(other, _)| *other == key) else {
        members.push((key, value));
        return;
    };
    if key == DOC {
        *previous = value;
        return;
    }
    let mut items = Vec::new();
    for list in [std::mem::replace(previous, OptionValue::List(Vec::new())), value] {
        match list {
            OptionValue::List(list) => items.extend(list),
            single => items.push(single),
        }
    }
    *previous = OptionValue::List(items);
}
