//! Options in normal form (schema formats spec §2.3): extension names in full, parts of one message brought together,
//! members sorted, numbers rewritten.

use super::model::{FieldType, Label, MAX_VALUE_DEPTH, Message, OptionValue, ProtoOption, TypeId};
use super::names::{Names, Place};
use super::number;
use super::parse::Budget;
use crate::format::ParseError;

/// What is known of the types of options.
pub(super) struct OptionTypes<'n, 'f> {
    names: &'n Names<'f>,
}

/// A message and the scope of the names in it.
#[derive(Clone, Copy)]
struct MessageType<'f> {
    message: &'f Message,
    scope: Place,
}

/// What is known of an option or of a member of an aggregate.
#[derive(Clone, Copy)]
struct Known<'f> {
    /// Whether it takes several values; a map does.
    is_repeated: bool,
    /// Its type, if that is a message.
    message: Option<MessageType<'f>>,
}

impl<'n, 'f> OptionTypes<'n, 'f> {
    pub(super) fn new(names: &'n Names<'f>) -> Self {
        Self { names }
    }

    /// Normalizes the options of one element. `of` is the message of `google.protobuf` that lists its options.
    pub(super) fn normalize(
        &self,
        options: &mut Vec<ProtoOption>,
        scope: Place,
        of: &str,
        budget: &mut Budget<'_>,
    ) -> Result<(), ParseError> {
        let mut merged: Vec<ProtoOption> = Vec::with_capacity(options.len());
        let of = self.names.place_of(&format!(".google.protobuf.{of}"));
        for mut option in std::mem::take(options) {
            let known = of.map(|of| self.know(&mut option, scope, of, budget)).transpose()?.flatten();
            if let Some(Known { message: Some(message), is_repeated }) = known
                && !is_long(&option.value)
            {
                option.value = whole(option.value);
                budget.steps(merged.len())?;
                let is_same = |other: &&mut ProtoOption| {
                    other.name == option.name && other.is_extension == option.is_extension
                };
                if let (false, Some(first)) = (is_repeated, merged.iter_mut().find(is_same)) {
                    self.merge(&mut first.value, option.value, Some(message), budget)?;
                    continue;
                }
            }
            merged.push(option);
        }
        for option in &mut merged {
            tidy(&mut option.value);
        }
        merged.sort_by(|a, b| a.name.cmp(&b.name));
        *options = merged;
        Ok(())
    }

    /// What is known of an option, which gets its full name.
    fn know(
        &self,
        option: &mut ProtoOption,
        scope: Place,
        of: Place,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Known<'f>>, ParseError> {
        if option.is_extension {
            let found = self.names.resolve_extension(scope, &option.name, of, budget)?;
            let Some((place, extension)) = found else { return Ok(None) };
            option.name = self.names.full_name(place);
            let field = extension.field;
            return self.known(field.label, &field.field_type, extension.scope, budget).map(Some);
        }
        match self.names.message_at(of) {
            Some(message) => self.member(MessageType { message, scope: of }, &option.name, budget),
            None => Ok(None),
        }
    }

    fn member(
        &self,
        of: MessageType<'f>,
        name: &str,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Known<'f>>, ParseError> {
        budget.steps(of.message.fields.len())?;
        let field = of.message.all_fields().find(|field| field.name == name);
        field.map(|field| self.known(field.label, &field.field_type, of.scope, budget)).transpose()
    }

    fn known(
        &self,
        label: Option<Label>,
        field_type: &FieldType,
        scope: Place,
        budget: &mut Budget<'_>,
    ) -> Result<Known<'f>, ParseError> {
        let is_repeated = label == Some(Label::Repeated) || matches!(field_type, FieldType::Map(_));
        let FieldType::Named(name) = field_type else { return Ok(Known { is_repeated, message: None }) };
        let message = self.names.resolve(scope, name, budget)?.and_then(|(scope, found)| match found.id {
            TypeId::Message(id) => Some(MessageType { message: found.file.message(id), scope }),
            TypeId::Enum(_) => None,
        });
        Ok(Known { is_repeated, message })
    }

    /// Adds `added` to `value`. Both are values of one member that takes one value, of type `message` if it is known.
    fn merge(
        &self,
        value: &mut OptionValue,
        added: OptionValue,
        message: Option<MessageType<'f>>,
        budget: &mut Budget<'_>,
    ) -> Result<(), ParseError> {
        let (OptionValue::Aggregate(members), OptionValue::Aggregate(_), Some(message)) =
            (&mut *value, &added, message)
        else {
            *value = added;
            return Ok(());
        };
        let OptionValue::Aggregate(added) = added else { return Ok(()) };
        for (key, added) in added {
            budget.steps(members.len())?;
            let Some((_, value)) = members.iter_mut().find(|(other, _)| *other == key) else {
                members.push((key, added));
                continue;
            };
            match self.member(message, &key, budget)? {
                Some(Known { is_repeated: false, message }) => self.merge(value, added, message, budget)?,
                _ => accumulate(value, added, budget)?,
            }
        }
        Ok(())
    }
}

/// Whether a value is a part with a longer path than any option has.
fn is_long(value: &OptionValue) -> bool {
    matches!(value, OptionValue::Part(path, _) if path.split('.').count() > MAX_VALUE_DEPTH)
}

/// A value of which only a part was given, as an aggregate with that part.
fn whole(value: OptionValue) -> OptionValue {
    let OptionValue::Part(path, value) = value else { return value };
    path.rsplit('.').fold(whole(*value), |value, name| OptionValue::Aggregate(vec![(name.to_owned(), value)]))
}

/// Makes a list of both, without what occurs again.
fn accumulate(
    value: &mut OptionValue,
    added: OptionValue,
    budget: &mut Budget<'_>,
) -> Result<(), ParseError> {
    let mut items = Vec::new();
    for list in [std::mem::replace(value, OptionValue::List(Vec::new())), added] {
        let list = match list {
            OptionValue::List(list) => list,
            single => vec![single],
        };
        for item in list {
            budget.steps(items.len())?;
            if !items.contains(&item) {
                items.push(item);
            }
        }
    }
    *value = OptionValue::List(items);
    Ok(())
}

/// Sorts members, rewrites numbers, removes empty lists and unwraps lists of one.
fn tidy(value: &mut OptionValue) {
    match value {
        OptionValue::Text(_) | OptionValue::Word(_) => {}
        OptionValue::Number(number) => {
            if let Some(plain) = number::plain(number) {
                *number = plain;
            }
        }
        OptionValue::Part(_, value) => tidy(value),
        OptionValue::List(items) => items.iter_mut().for_each(tidy),
        OptionValue::Aggregate(members) => {
            members.retain(|(_, value)| !matches!(value, OptionValue::List(items) if items.is_empty()));
            for (_, value) in members.iter_mut() {
                unwrap_single(value);
                tidy(value);
            }
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }
}

fn unwrap_single(value: &mut OptionValue) {
    if let OptionValue::List(items) = value
        && items.len() == 1
        && let Some(item) = items.pop()
    {
        *value = item;
    }
}

impl OptionValue {
    /// About how many bytes the value takes as text.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Word(text) => text.len(),
            Self::Part(path, value) => path.len() + value.weight(),
            Self::List(items) => items.iter().map(|item| 1 + item.weight()).sum(),
            Self::Aggregate(members) => {
                members.iter().map(|(key, value)| 1 + key.len() + value.weight()).sum()
            }
        }
    }
}
