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

    /// Normalizes the options of one element, which stands in `scope`.
    pub(super) fn normalize(
        &self,
        options: &mut Vec<ProtoOption>,
        scope: Place,
        budget: &mut Budget<'_>,
    ) -> Result<(), ParseError> {
        let mut merged: Vec<ProtoOption> = Vec::with_capacity(options.len());
        for mut option in std::mem::take(options) {
            if let Some(Known { is_repeated, message }) = self.know(&mut option, scope, budget)?
                && !is_long(&option.value)
            {
                option.value = whole(option.value);
                budget.steps(merged.len())?;
                let is_same = |other: &&mut ProtoOption| other.is_extension && other.name == option.name;
                if let (false, Some(first)) = (is_repeated, merged.iter_mut().find(is_same)) {
                    self.merge(&mut first.value, option.value, message, budget)?;
                    continue;
                }
            }
            merged.push(option);
        }
        for option in &mut merged {
            self.tidy(&mut option.value, scope, budget)?;
        }
        merged.sort_by(|a, b| a.name.cmp(&b.name));
        *options = merged;
        Ok(())
    }

    /// What is known of a custom option, which gets its full name. The reference does not ask what it extends.
    fn know(
        &self,
        option: &mut ProtoOption,
        scope: Place,
        budget: &mut Budget<'_>,
    ) -> Result<Option<Known<'f>>, ParseError> {
        if !option.is_extension {
            return Ok(None);
        }
        let Some((place, extension)) = self.names.resolve_extension(scope, &option.name, budget)? else {
            return Ok(None);
        };
        option.name = self.names.full_name(place);
        let field = extension.field;
        self.known(field.label, &field.field_type, extension.scope, budget).map(Some)
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
        let (members, added) = match (value, added) {
            (OptionValue::Aggregate(members), OptionValue::Aggregate(added)) => (members, added),
            (value, added) => {
                *value = added;
                return Ok(());
            }
        };
        for (key, added) in added {
            budget.steps(members.len())?;
            let Some((_, value)) = members.iter_mut().find(|(other, _)| *other == key) else {
                members.push((key, added));
                continue;
            };
            match message.map(|message| self.member(message, &key, budget)).transpose()?.flatten() {
                Some(Known { is_repeated: false, message }) => self.merge(value, added, message, budget)?,
                _ => accumulate(value, added, budget)?,
            }
        }
        Ok(())
    }

    /// Sorts members, gives extensions among them their full names, rewrites numbers, removes empty lists and unwraps
    /// lists of one. A list that is the whole value stays one.
    fn tidy(&self, value: &mut OptionValue, scope: Place, budget: &mut Budget<'_>) -> Result<(), ParseError> {
        match value {
            OptionValue::Text(_) | OptionValue::Word(_) => {}
            OptionValue::Number(number) => {
                if let Some(plain) = number::plain(number) {
                    *number = plain;
                }
            }
            OptionValue::Part(_, value) => self.tidy(value, scope, budget)?,
            OptionValue::List(items) => {
                for item in items {
                    unwrap_single(item);
                    self.tidy(item, scope, budget)?;
                }
            }
            OptionValue::Aggregate(members) => {
                members.retain(|(_, value)| !matches!(value, OptionValue::List(items) if items.is_empty()));
                for (key, value) in members.iter_mut() {
                    if let Some(name) = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'))
                        && let Some((place, _)) = self.names.resolve_extension(scope, name, budget)?
                    {
                        *key = format!("[{}]", self.names.full_name(place));
                    }
                    unwrap_single(value);
                    self.tidy(value, scope, budget)?;
                }
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                members.dedup_by(|(a, _), (b, _)| a == b);
            }
        }
        Ok(())
    }
}

/// Whether a value is a part with a longer path than any option has.
fn is_long(value: &OptionValue) -> bool {
    let mut value = value;
    let mut length = 0;
    while let OptionValue::Part(name, part) = value {
        length += name.split('.').count();
        value = part;
    }
    length > MAX_VALUE_DEPTH
}

/// A value of which only a part was given, as an aggregate with that part. A part that is an extension has its name in
/// parentheses; as a member of an aggregate it has brackets.
fn whole(value: OptionValue) -> OptionValue {
    let OptionValue::Part(path, value) = value else { return value };
    let value = whole(*value);
    let member = |name: String, value| OptionValue::Aggregate(vec![(name, value)]);
    match path.strip_prefix('(').and_then(|path| path.strip_suffix(')')) {
        Some(name) => member(format!("[{name}]"), value),
        None => path.rsplit('.').fold(value, |value, name| member(name.to_owned(), value)),
    }
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

fn unwrap_single(value: &mut OptionValue) {
    while let OptionValue::List(items) = value
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
