//! The form that `normalize=true` stores (schema formats spec §2.3): names resolved, options merged, what has no order
//! sorted. The order of types stays, because message indexes count on it.

use super::merge::OptionTypes;
use super::model::{
    Enum, Extend, Extensions, Field, FieldType, Group, MapType, Message, MessageId, ProtoFile, ProtoOption,
    Range, Reserved, Rpc, Scalar, Service, Syntax, TypeId,
};
use super::names::{Found, Names, Place};
use super::number;
use super::parse::Budget;
use crate::format::ParseError;

/// Normalizes a file. Errors: a type that cannot be resolved; a bound of the budget.
pub(super) fn normalize(
    file: &ProtoFile,
    imports: &[(String, ProtoFile)],
    budget: &mut Budget<'_>,
) -> Result<ProtoFile, ParseError> {
    let names = Names::new(file, imports);
    let bytes_left = budget.limits.schema_bytes;
    let mut normalizer = Normalizer { options: OptionTypes::new(&names), names: &names, budget, bytes_left };
    normalizer.file(file.clone())
}

struct Normalizer<'n, 'f, 'b, 'l> {
    names: &'n Names<'f>,
    options: OptionTypes<'n, 'f>,
    budget: &'b mut Budget<'l>,
    /// What full names may still take: the text cannot be longer either.
    bytes_left: usize,
}

impl Normalizer<'_, '_, '_, '_> {
    fn file(&mut self, mut file: ProtoFile) -> Result<ProtoFile, ParseError> {
        let package = self.names.package();
        file.syntax = file.syntax.filter(|syntax| *syntax == Syntax::Proto3);
        for paths in [&mut file.imports, &mut file.public_imports] {
            paths.sort_unstable();
            paths.dedup();
        }
        self.sort_options(&mut file.options, package)?;
        for (at, message) in file.messages.iter_mut().enumerate() {
            self.message(message, self.names.message(MessageId(at)))?;
        }
        for found in &mut file.enums {
            let scope = found.parent.map_or(package, |id| self.names.message(id));
            self.enumeration(found, scope)?;
        }
        self.extends(&mut file.extends, package)?;
        for service in &mut file.services {
            self.service(service, package)?;
        }
        Ok(without_map_entries(file))
    }

    fn message(&mut self, message: &mut Message, scope: Place) -> Result<(), ParseError> {
        sort_reserved(&mut message.reserved);
        self.sort_options(&mut message.options, scope)?;
        self.fields(&mut message.fields, scope)?;
        for oneof in &mut message.oneofs {
            self.sort_options(&mut oneof.options, scope)?;
            self.fields(&mut oneof.fields, scope)?;
            self.groups(&mut oneof.groups, scope)?;
        }
        // An empty oneof is not printed, but leaves the blank line before oneofs behind.
        message.oneofs.sort_by_key(|oneof| oneof.fields.first().map_or(i32::MAX, |field| field.number));
        self.groups(&mut message.groups, scope)?;
        self.extensions(&mut message.extensions, scope)?;
        self.extends(&mut message.extends, scope)
    }

    fn enumeration(&mut self, found: &mut Enum, scope: Place) -> Result<(), ParseError> {
        sort_reserved(&mut found.reserved);
        self.sort_options(&mut found.options, scope)?;
        for constant in &mut found.constants {
            self.sort_options(&mut constant.options, scope)?;
        }
        found.constants.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
        Ok(())
    }

    fn groups(&mut self, groups: &mut [Group], scope: Place) -> Result<(), ParseError> {
        for group in groups.iter_mut() {
            self.fields(&mut group.fields, scope)?;
        }
        groups.sort_by_key(|group| group.number);
        Ok(())
    }

    fn fields(&mut self, fields: &mut [Field], scope: Place) -> Result<(), ParseError> {
        for field in fields.iter_mut() {
            self.field(field, scope)?;
        }
        fields.sort_by_key(|field| field.number);
        Ok(())
    }

    fn field(&mut self, field: &mut Field, scope: Place) -> Result<(), ParseError> {
        if let FieldType::Named(name) = &field.field_type {
            let (place, found) = self.resolve(scope, name)?;
            if let Some((key, value)) = map_type(found) {
                // The label does not matter, and the name of the value is looked for from here.
                field.label = None;
                field.field_type = FieldType::Map(Box::new(MapType { key, value: value.clone() }));
            } else {
                field.field_type = FieldType::Named(self.absolute(place)?);
            }
        }
        if let FieldType::Map(map) = &mut field.field_type {
            self.map_value(&mut map.value, scope)?;
        }
        if !matches!(field.field_type, FieldType::Scalar(Scalar::String | Scalar::Bool) | FieldType::Named(_))
        {
            let plain = field.default.as_deref().and_then(number::plain);
            field.default = plain.or(field.default.take());
        }
        self.sort_options(&mut field.options, scope)
    }

    /// The reference lets pass what it cannot find as the value of a map, and a map as the value of a map.
    fn map_value(&mut self, value: &mut FieldType, scope: Place) -> Result<(), ParseError> {
        if let FieldType::Named(name) = value
            && let Some((place, _)) = self.names.resolve(scope, name, self.budget)?
        {
            *name = self.absolute(place)?;
        }
        Ok(())
    }

    /// Brings the blocks that extend one message together. An empty one is not even looked up; it is not printed, but
    /// leaves the blank line before the blocks behind.
    fn extends(&mut self, extends: &mut Vec<Extend>, scope: Place) -> Result<(), ParseError> {
        let mut merged: Vec<Extend> = Vec::new();
        for extend in std::mem::take(extends) {
            if extend.fields.is_empty() {
                merged.push(extend);
                continue;
            }
            let name = self.named(scope, &extend.name)?;
            self.budget.steps(merged.len())?;
            match merged.iter_mut().find(|other| other.name == name && !other.fields.is_empty()) {
                Some(other) => other.fields.extend(extend.fields),
                None => merged.push(Extend { name, ..extend }),
            }
        }
        for extend in &mut merged {
            self.fields(&mut extend.fields, scope)?;
        }
        *extends = merged;
        Ok(())
    }

    fn service(&mut self, service: &mut Service, scope: Place) -> Result<(), ParseError> {
        self.sort_options(&mut service.options, scope)?;
        for Rpc { request, response, options, .. } in &mut service.rpcs {
            request.name = self.named(scope, &request.name)?;
            response.name = self.named(scope, &response.name)?;
            self.sort_options(options, scope)?;
        }
        Ok(())
    }

    /// One statement for each range.
    fn extensions(&mut self, extensions: &mut Vec<Extensions>, scope: Place) -> Result<(), ParseError> {
        let mut split = Vec::new();
        for mut statement in std::mem::take(extensions) {
            self.sort_options(&mut statement.options, scope)?;
            let copied = statement.options.iter().map(|option| option.value.weight() + option.name.len());
            self.budget.steps(copied.sum::<usize>().saturating_mul(statement.ranges.len()))?;
            for range in statement.ranges {
                let ranges = vec![simplified(range)];
                split.push(Extensions { ranges, options: statement.options.clone() });
            }
        }
        split.sort_by_key(|statement| statement.ranges.first().map(|range| range.start));
        *extensions = split;
        Ok(())
    }

    fn sort_options(&mut self, options: &mut Vec<ProtoOption>, scope: Place) -> Result<(), ParseError> {
        if options.is_empty() {
            return Ok(());
        }
        self.options.normalize(options, scope, self.budget)
    }

    fn resolve(&mut self, scope: Place, name: &str) -> Result<(Place, Found<'_>), ParseError> {
        let found = self.names.resolve(scope, name, self.budget)?;
        found.ok_or_else(|| ParseError::Invalid(format!("Could not resolve type: {name}")))
    }

    fn named(&mut self, scope: Place, name: &str) -> Result<String, ParseError> {
        let (place, _) = self.resolve(scope, name)?;
        self.absolute(place)
    }

    /// The full name with a leading dot.
    fn absolute(&mut self, place: Place) -> Result<String, ParseError> {
        let name = format!(".{}", self.names.full_name(place));
        let limit = self.budget.limits.schema_bytes;
        self.bytes_left = self
            .bytes_left
            .checked_sub(name.len())
            .ok_or(ParseError::TooLarge { what: "bytes of normalized text", limit })?;
        Ok(name)
    }
}

/// The key and value of a map entry.
fn map_type(found: Found<'_>) -> Option<(Scalar, &FieldType)> {
    let TypeId::Message(id) = found.id else { return None };
    let message = Some(found.file.message(id)).filter(|message| message.is_map_entry())?;
    let field = |name| message.fields.iter().find(|field| field.name == name).map(|field| &field.field_type);
    match (field("key")?, field("value")?) {
        (FieldType::Scalar(key), value) if key.is_map_key() => Some((*key, value)),
        _ => None,
    }
}

/// Ranges in the order of their first numbers, then names in their order, each in a statement of its own.
fn sort_reserved(reserved: &mut Vec<Vec<Reserved>>) {
    let (mut ranges, mut names) = (Vec::new(), Vec::new());
    for item in reserved.drain(..).flatten() {
        match item {
            Reserved::Range(range) => ranges.push(range),
            Reserved::Name(name) => names.push(name),
        }
    }
    // Of ranges with one start the reference compares the texts, in which `..` stands for `to`.
    ranges.sort_by_cached_key(|Range { start, end, is_single }| match is_single {
        true => (*start, start.to_string()),
        false => (*start, format!("{start}..{end}")),
    });
    names.sort_unstable();
    let ranges = ranges.into_iter().map(simplified).map(Reserved::Range);
    reserved.extend(ranges.chain(names.into_iter().map(Reserved::Name)).map(|item| vec![item]));
}

fn simplified(range: Range) -> Range {
    Range { is_single: range.start == range.end, ..range }
}

/// The file without the messages that stand for entries of maps, and what is nested in them.
fn without_map_entries(mut file: ProtoFile) -> ProtoFile {
    if !file.messages.iter().any(Message::is_map_entry) {
        return file;
    }
    let mut kept = 0;
    let mut moved: Vec<Option<MessageId>> = Vec::with_capacity(file.messages.len());
    for message in &file.messages {
        let parent = message.parent.map(|id| moved.get(id.0).copied().flatten());
        let is_kept = !message.is_map_entry() && parent != Some(None);
        moved.push(is_kept.then_some(MessageId(kept)));
        kept += usize::from(is_kept);
    }
    let to = |id: MessageId| moved.get(id.0).copied().flatten();
    let mut enums = 0;
    let moved_enums: Vec<Option<_>> = file
        .enums
        .iter()
        .map(|found| {
            let is_kept = found.parent.is_none_or(|id| to(id).is_some());
            enums += usize::from(is_kept);
            is_kept.then(|| super::model::EnumId(enums - 1))
        })
        .collect();
    let types = |types: &mut Vec<TypeId>| {
        let all = std::mem::take(types).into_iter();
        types.extend(all.filter_map(|id| match id {
            TypeId::Message(id) => to(id).map(TypeId::Message),
            TypeId::Enum(id) => moved_enums.get(id.0).copied().flatten().map(TypeId::Enum),
        }));
    };
    types(&mut file.types);
    let messages = std::mem::take(&mut file.messages).into_iter().zip(&moved);
    for (mut message, _) in messages.filter(|(_, to)| to.is_some()) {
        message.parent = message.parent.and_then(to);
        types(&mut message.types);
        file.messages.push(message);
    }
    let found = std::mem::take(&mut file.enums).into_iter().zip(&moved_enums);
    for (mut found, _) in found.filter(|(_, to)| to.is_some()) {
        found.parent = found.parent.and_then(to);
        file.enums.push(found);
    }
    file
}
