//! The checks of `validateFields` (schema formats spec §2.4): what the reference finds when it builds descriptors of a
//! file and of the files it imports.
//!
//! They are the rules of the language's Java library, which knows neither reserved numbers nor the special rules of
//! proto3 here; so no general linker will do.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::ProtobufSchema;
use super::builtin;
use super::descriptor::entry_name;
use super::model::{
    Enum, Extend, Field, FieldType, Label, Message, MessageId, OptionValue, ProtoFile, ProtoOption, Range,
    Scalar, TypeId, qualify,
};
use crate::format::ParseError;

/// How many times the bytes of a schema the names may take that are put together for look-ups.
const LOOK_UPS: usize = 64;

/// What a full name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Message(MessageId),
    Enum,
    Package,
    Service,
    /// A field, an extension, a constant or a method.
    Other,
}

/// A file and the names it defines.
struct Linked<'s> {
    file: &'s ProtoFile,
    symbols: HashMap<String, Kind>,
}

/// Which files, by index, one file sees: itself, its imports, and what those import publicly.
type Sight = Vec<usize>;

/// Checks a schema and the files it imports, directly or not. Built-in files need no check.
pub(super) fn check(schema: &ProtobufSchema) -> Result<(), ParseError> {
    let limit = schema.limits.schema_bytes;
    let mut bytes_left = limit.saturating_mul(4);
    let mut files: Vec<Linked<'_>> = Vec::new();
    let mut indexes: HashMap<&str, usize> = HashMap::new();
    let mut pending = vec![("", schema.file())];
    while let Some((path, file)) = pending.pop() {
        if indexes.contains_key(path) {
            continue;
        }
        indexes.insert(path, files.len());
        files.push(Linked { file, symbols: symbols(file, &mut bytes_left, limit)? });
        for path in file.imports.iter().chain(&file.public_imports) {
            if let Some(import) = schema.import(path) {
                pending.push((path, import));
            }
        }
    }
    check_twins(&files)?;
    for (index, linked) in files.iter().enumerate() {
        let is_builtin = builtin::files().any(|(_, file)| std::ptr::eq(file, linked.file));
        if !is_builtin {
            let sight = sight(index, &files, &indexes);
            let bytes_left = Cell::new(limit.saturating_mul(LOOK_UPS));
            Checker { files: &files, sight, file: linked.file, bytes_left, limit }.check()?;
        }
    }
    Ok(())
}

/// Checks that no two files, however far they are from each other, define a message or an enum of one name.
fn check_twins(files: &[Linked<'_>]) -> Result<(), ParseError> {
    let (mut messages, mut enums) = (HashSet::new(), HashSet::new());
    for (name, kind) in files.iter().flat_map(|linked| &linked.symbols) {
        let is_new = match kind {
            Kind::Message(_) => messages.insert(name),
            Kind::Enum => enums.insert(name),
            Kind::Package | Kind::Service | Kind::Other => true,
        };
        if !is_new {
            return Err(invalid(name, "is already defined in another file"));
        }
    }
    Ok(())
}

fn sight(index: usize, files: &[Linked<'_>], indexes: &HashMap<&str, usize>) -> Sight {
    let mut seen = HashSet::from([index]);
    let mut sight = vec![index];
    let mut at = 0;
    while let Some(file) = sight.get(at).and_then(|index| files.get(*index)) {
        let plain: &[String] = if at == 0 { &file.file.imports } else { &[] };
        for path in plain.iter().chain(&file.file.public_imports) {
            if let Some(next) = indexes.get(path.as_str())
                && seen.insert(*next)
            {
                sight.push(*next);
            }
        }
        at += 1;
    }
    sight
}

/// The names that a file defines, each once.
fn symbols(
    file: &ProtoFile,
    bytes_left: &mut usize,
    limit: usize,
) -> Result<HashMap<String, Kind>, ParseError> {
    let mut symbols = HashMap::new();
    let package = file.package.as_deref();
    if let Some(package) = package {
        for (at, _) in package.match_indices('.').chain([(package.len(), "")]) {
            let (outer, _) = package.split_at(at);
            *bytes_left = bytes_left.checked_sub(outer.len()).ok_or(too_large(limit))?;
            symbols.insert(outer.to_owned(), Kind::Package);
        }
    }
    let mut define = |scope: Option<&str>, name: &str, kind: Kind| -> Result<String, ParseError> {
        check_name(name)?;
        let full_name = qualify(scope, name);
        *bytes_left = bytes_left.checked_sub(full_name.len()).ok_or(too_large(limit))?;
        match symbols.insert(full_name.clone(), kind) {
            None => Ok(full_name),
            Some(_) => Err(invalid(&full_name, &format!("\"{name}\" is already defined"))),
        }
    };
    let mut paths: Vec<String> = Vec::with_capacity(file.messages.len());
    for (at, message) in file.messages.iter().enumerate() {
        let scope = message.parent.and_then(|id| paths.get(id.0)).map(String::as_str).or(package);
        let path = define(scope, &message.name, Kind::Message(MessageId(at)))?;
        let scope = Some(path.as_str());
        let described = || message.described_fields().map(|(field, _)| field);
        for field in described().chain(message.extends.iter().flat_map(|extend| &extend.fields)) {
            define(scope, &field.name, Kind::Other)?;
        }
        for field in described().filter(|field| matches!(field.field_type, FieldType::Map(_))) {
            define(scope, &entry_name(&field.name), Kind::Message(MessageId(at)))?;
        }
        paths.push(path);
    }
    for found in &file.enums {
        let scope = found.parent.and_then(|id| paths.get(id.0)).map(String::as_str).or(package);
        let path = define(scope, &found.name, Kind::Enum)?;
        for constant in &found.constants {
            define(Some(&path), &constant.name, Kind::Other)?;
        }
    }
    for service in &file.services {
        let path = define(package, &service.name, Kind::Service)?;
        for rpc in &service.rpcs {
            define(Some(&path), &rpc.name, Kind::Other)?;
        }
    }
    for field in file.extends.iter().flat_map(|extend| &extend.fields) {
        define(package, &field.name, Kind::Other)?;
    }
    Ok(symbols)
}

struct Checker<'c, 's> {
    files: &'c [Linked<'s>],
    sight: Sight,
    file: &'s ProtoFile,
    /// Bytes of names that may still be put together.
    bytes_left: Cell<usize>,
    limit: usize,
}

impl<'s> Checker<'_, 's> {
    fn check(&self) -> Result<(), ParseError> {
        let file = self.file;
        let package = file.package.as_deref().unwrap_or_default();
        check_constant(&file.options, "optimize_for", "FileOptions.OptimizeMode", package)?;
        if let [own, others @ ..] = self.sight.as_slice()
            && let Some(own) = self.files.get(*own)
        {
            for other in others.iter().filter_map(|index| self.files.get(*index)) {
                let is_taken = |(name, kind): &(&String, &Kind)| {
                    let there = other.symbols.get(name.as_str());
                    there.is_some_and(|there| (*there == Kind::Package) != (**kind == Kind::Package))
                };
                if let Some((name, _)) = own.symbols.iter().find(is_taken) {
                    return Err(invalid(name, "is already defined in another file"));
                }
            }
        }
        for (at, message) in file.messages.iter().enumerate() {
            let path = file.full_name(TypeId::Message(MessageId(at)));
            self.message(message, &path)?;
        }
        for found in &file.enums {
            check_enum(found)?;
        }
        self.extends(&file.extends, package)?;
        for service in &file.services {
            let scope = qualify(Some(package), &service.name);
            for rpc in &service.rpcs {
                for name in [&rpc.request.name, &rpc.response.name] {
                    match self.look_up(name, &scope)? {
                        (Kind::Message(_), _) => {}
                        _ => return Err(invalid(&scope, &format!("\"{name}\" is not a message type."))),
                    }
                }
                let level = "MethodOptions.IdempotencyLevel";
                check_constant(&rpc.options, "idempotency_level", level, &scope)?;
            }
        }
        Ok(())
    }

    fn message(&self, message: &Message, path: &str) -> Result<(), ParseError> {
        let mut numbers = HashSet::new();
        for (field, is_member) in message.described_fields() {
            self.field(field, path, !is_member)?;
            if !numbers.insert(field.number) {
                let reason = format!("Field number {} has already been used in \"{path}\".", field.number);
                return Err(invalid(path, &reason));
            }
        }
        self.extends(&message.extends, path)
    }

    fn extends(&self, extends: &[Extend], scope: &str) -> Result<(), ParseError> {
        for extend in extends {
            let (kind, file) = self.look_up(&extend.name, scope)?;
            let Kind::Message(id) = kind else {
                return Err(invalid(scope, &format!("\"{}\" is not a message type.", extend.name)));
            };
            let ranges = &file.message(id).extensions;
            let is_open = |number: i32| {
                let mut ranges = ranges.iter().flat_map(|extensions| &extensions.ranges);
                ranges.any(|Range { start, end, .. }| (*start..=*end).contains(&number))
            };
            for field in &extend.fields {
                self.field(field, scope, false)?;
                if !is_open(field.number) {
                    let reason = format!(
                        "\"{}\" does not declare {} as an extension number.",
                        extend.name, field.number
                    );
                    return Err(invalid(scope, &reason));
                }
            }
        }
        Ok(())
    }

    /// A field; only a plain one of a message can be a map, and no value of a map is one.
    fn field(&self, field: &Field, scope: &str, is_plain: bool) -> Result<(), ParseError> {
        let place = || qualify(Some(scope), &field.name);
        if field.number <= 0 {
            return Err(invalid(&place(), "Field numbers must be positive integers."));
        }
        if let FieldType::Map(map) = &field.field_type
            && (!is_plain || matches!(map.value, FieldType::Map(_)))
        {
            return Err(invalid(&place(), &format!("\"{}\" is not defined.", field.field_type)));
        }
        let mut element = None;
        if let Some(name) = field.field_type.name() {
            element = Some((name, self.look_up(name, scope)?));
        }
        check_constant(&field.options, "ctype", "FieldOptions.CType", scope)?;
        check_constant(&field.options, "jstype", "FieldOptions.JSType", scope)?;
        let is_packable = match (&field.field_type, element) {
            (FieldType::Scalar(scalar), _) => !matches!(scalar, Scalar::String | Scalar::Bytes),
            (FieldType::Named(_), Some((_, (kind, _)))) => kind == Kind::Enum,
            _ => false,
        };
        let is_packed = field.options.iter().any(|option| {
            is_standard(option, "packed") && option.value == OptionValue::Word("true".to_owned())
        });
        if is_packed && !(is_packable && field.label == Some(Label::Repeated)) {
            let reason = "[packed = true] can only be specified for repeated primitive fields.";
            return Err(invalid(&place(), reason));
        }
        let Some(default) = &field.default else { return Ok(()) };
        let fits = match (&field.field_type, element) {
            _ if field.label == Some(Label::Repeated) => false,
            (FieldType::Scalar(scalar), _) => is_default(*scalar, default),
            (FieldType::Named(_), Some((name, (Kind::Enum, file)))) => has_constant(file, name, default),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(invalid(&place(), &format!("Could not parse default value: \"{default}\"")))
    }

    /// The type that a name stands for, looked for from `scope` outwards by its first part, as the language has it.
    fn look_up(&self, name: &str, scope: &str) -> Result<(Kind, &'s ProtoFile), ParseError> {
        let is_type = |kind: &Kind| matches!(kind, Kind::Message(_) | Kind::Enum);
        let found = match name.strip_prefix('.') {
            Some(absolute) => self.find(absolute, is_type),
            None => {
                let first = name.split('.').next().unwrap_or(name);
                let mut scope = Some(scope).filter(|scope| !scope.is_empty());
                loop {
                    let Some(outer) = scope else { break self.find(name, is_type) };
                    let bytes = outer.len() + name.len();
                    let left = self.bytes_left.get().checked_sub(bytes).ok_or(too_large(self.limit))?;
                    self.bytes_left.set(left);
                    let is_there = self.find(&qualify(Some(outer), first), |kind| *kind != Kind::Other);
                    if is_there.is_some() {
                        break self.find(&qualify(Some(outer), name), is_type);
                    }
                    scope = outer.rsplit_once('.').map(|(outer, _)| outer);
                }
            }
        };
        found.ok_or_else(|| invalid(scope, &format!("\"{name}\" is not defined.")))
    }

    fn find(&self, full_name: &str, wanted: impl Fn(&Kind) -> bool) -> Option<(Kind, &'s ProtoFile)> {
        self.sight.iter().filter_map(|index| self.files.get(*index)).find_map(|linked| {
            let kind = linked.symbols.get(full_name).filter(|kind| wanted(kind))?;
            Some((*kind, linked.file))
        })
    }
}

fn check_enum(found: &Enum) -> Result<(), ParseError> {
    if found.constants.is_empty() {
        return Err(invalid(&found.name, "Enums must contain at least one value."));
    }
    Ok(())
}

/// Whether the last part of `name` is an enum of `file` with that constant.
fn has_constant(file: &ProtoFile, name: &str, constant: &str) -> bool {
    let simple = name.rsplit('.').next().unwrap_or(name);
    let mut enums = file.enums.iter().filter(|found| found.name == simple);
    enums.any(|found| found.constants.iter().any(|other| other.name == constant))
}

/// A name is made of letters, digits and underscores, and begins with no digit.
fn check_name(name: &str) -> Result<(), ParseError> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    Err(invalid(name, &format!("\"{name}\" is not a valid identifier.")))
}

/// Checks that a standard option of enum type names a constant.
fn check_constant(options: &[ProtoOption], name: &str, of: &str, place: &str) -> Result<(), ParseError> {
    let constants = || {
        let file = builtin::file("google/protobuf/descriptor.proto")?;
        let ids = (0..file.enums.len()).map(super::model::EnumId);
        ids.into_iter()
            .find(|id| file.path(TypeId::Enum(*id)) == of)
            .map(|id| &file.enumeration(id).constants)
    };
    for option in options.iter().filter(|option| is_standard(option, name)) {
        let is_known = match &option.value {
            OptionValue::Word(word) | OptionValue::Text(word) => {
                constants().is_some_and(|constants| constants.iter().any(|constant| constant.name == *word))
            }
            _ => false,
        };
        if !is_known {
            return Err(invalid(place, &format!("unknown value of option {name}")));
        }
    }
    Ok(())
}

fn is_standard(option: &ProtoOption, name: &str) -> bool {
    !option.is_extension && option.name == name
}

/// Whether a text is a value of a scalar, as the language's library reads defaults.
fn is_default(scalar: Scalar, text: &str) -> bool {
    match scalar {
        Scalar::Bool | Scalar::String | Scalar::Bytes => true,
        Scalar::Float | Scalar::Double => {
            let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
            matches!(text, "inf" | "-inf" | "nan" | "Infinity" | "-Infinity" | "NaN" | "-NaN")
                || (number.parse::<f64>().is_ok() && !number.contains(['i', 'n', 'N', 'I']))
        }
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => {
            integer(text).is_some_and(|value| i32::try_from(value).is_ok())
        }
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => {
            integer(text).is_some_and(|value| i64::try_from(value).is_ok())
        }
        // Not even a zero may be negative.
        _ if text.starts_with('-') => false,
        Scalar::Uint32 | Scalar::Fixed32 => integer(text).is_some_and(|value| u32::try_from(value).is_ok()),
        Scalar::Uint64 | Scalar::Fixed64 => integer(text).is_some_and(|value| u64::try_from(value).is_ok()),
    }
}

/// A decimal, octal or hexadecimal integer.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(hex) => (16, hex),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    i128::from_str_radix(digits, radix).ok().filter(|_| is_number).map(|value| sign * value)
}

fn too_large(limit: usize) -> ParseError {
    ParseError::TooLarge { what: "bytes of descriptors", limit }
}

fn invalid(place: &str, reason: &str) -> ParseError {
    ParseError::Invalid(format!("Invalid protobuf schema definition: {place}: {reason}"))
}

#[cfg(test)]
mod tests;
