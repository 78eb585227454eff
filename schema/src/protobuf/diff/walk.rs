//! The walk over pairs of files, messages and enums.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::types::{MessageRef, Types};
use super::{Difference, DifferenceKind};
use crate::limits::Limits;
use crate::protobuf::ProtobufSchema;
use crate::protobuf::model::{EnumId, Field, Label, Message, MessageId, ProtoFile};

/// What two schemas differ in.
pub(in crate::protobuf) struct Found<'s> {
    pub found: Vec<Finding<'s>>,
    pub reader: Types<'s>,
    pub writer: Types<'s>,
}

/// A difference and what it is about.
#[derive(Clone, Debug)]
pub(in crate::protobuf) struct Finding<'s> {
    pub difference: Difference,
    pub subject: Subject<'s>,
}

/// What a difference is about, on both sides where it is there.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) enum Subject<'s> {
    File,
    /// Messages.
    Message(Pair<Option<MessageRef<'s>>>),
    /// Enums.
    Enum(Pair<Option<(&'s ProtoFile, EnumId)>>),
    /// The constant of this number in enums.
    Constant(Pair<(&'s ProtoFile, EnumId)>, i32),
    /// The field of this number in messages.
    Field(Pair<MessageRef<'s>>, i32),
    /// The oneof of this name in messages.
    Oneof(Pair<MessageRef<'s>>, &'s str),
}

/// One thing on both sides.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) struct Pair<T> {
    pub reader: T,
    pub writer: T,
}

/// A field and the oneof it is a member of.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) struct Member<'s> {
    pub field: &'s Field,
    pub oneof: Option<&'s str>,
}

/// The fields of a message by number; of several with one number the last counts.
pub(in crate::protobuf) fn members(message: &Message) -> BTreeMap<i32, Member<'_>> {
    let plain = message.fields.iter().map(|field| Member { field, oneof: None });
    let in_oneofs = message.oneofs.iter().flat_map(|oneof| {
        oneof.fields.iter().map(|field| Member { field, oneof: Some(oneof.name.as_str()) })
    });
    plain.chain(in_oneofs).map(|member| (member.field.number, member)).collect()
}

/// The way to a message or enum, from its last name to the first.
#[derive(Clone)]
pub(super) struct Path<'s>(Option<Rc<Step<'s>>>);

struct Step<'s> {
    before: Path<'s>,
    name: &'s str,
}

impl<'s> Path<'s> {
    pub const TOP: Self = Self(None);

    pub fn then(&self, name: &'s str) -> Self {
        Self(Some(Rc::new(Step { before: self.clone(), name })))
    }

    /// The path of a message within its file.
    fn of(message: MessageRef<'s>) -> Self {
        let mut names = Vec::new();
        let mut at = Some(message.id);
        while let Some(id) = at {
            let message = message.file.message(id);
            names.push(message.name.as_str());
            at = message.parent;
        }
        names.iter().rev().fold(Self::TOP, |path, name| path.then(name))
    }

    pub fn render(&self, last: &[&str]) -> String {
        let mut names = Vec::new();
        let mut at = self;
        while let Some(step) = &at.0 {
            names.push(step.name);
            at = &step.before;
        }
        names.reverse();
        names.extend(last);
        format!("#/{}", names.join("/"))
    }
}

/// What remains to be done; the last is done first.
enum Task<'s> {
    /// Compare the types declared at one level: at the top, or inside these messages.
    Level(Pair<Level<'s>>, Path<'s>),
    Message(Pair<MessageRef<'s>>, Path<'s>),
    /// The comparison of this message of the writer's is complete.
    Leave((usize, MessageId)),
    /// Compare the messages that a field has.
    LookInto(Pair<MessageRef<'s>>, FieldAt<'s>),
    /// The messages that a field has are compared: was anything incompatible found from `start` on?
    Conclude {
        start: usize,
        times_open: usize,
        types: PairKey,
        field: FieldAt<'s>,
    },
}

/// A field, and its path in words.
pub(super) struct FieldAt<'s> {
    pub subject: Subject<'s>,
    pub path: String,
}

type PairKey = ((usize, MessageId), (usize, MessageId));

#[derive(Clone, Copy)]
struct Level<'s> {
    file: &'s ProtoFile,
    /// A message of the file; none at the top.
    message: Option<MessageRef<'s>>,
}

pub(super) struct Walk<'s> {
    pub types: Pair<Types<'s>>,
    found: Vec<Finding<'s>>,
    tasks: Vec<Task<'s>>,
    /// Messages of the writer's that are being compared.
    open: HashSet<(usize, MessageId)>,
    /// Pairs of imported messages that have been compared, and whether something was incompatible.
    known: HashMap<PairKey, bool>,
    /// How often a message was met inside itself.
    times_open: usize,
    pub work_left: usize,
    /// With no more work left than this, exactness in recursive messages gives way.
    work_enough: usize,
    bytes_left: usize,
    is_cut: bool,
}

pub(in crate::protobuf) fn compare<'s>(
    reader: &'s ProtobufSchema,
    writer: &'s ProtobufSchema,
    limits: &Limits,
) -> Found<'s> {
    let types = Pair { reader: Types::new(reader), writer: Types::new(writer) };
    let mut walk = Walk {
        is_cut: types.reader.is_cut || types.writer.is_cut,
        types,
        found: Vec::new(),
        tasks: Vec::new(),
        open: HashSet::new(),
        known: HashMap::new(),
        times_open: 0,
        work_left: limits.pairs,
        work_enough: limits.pairs / 8 * 7,
        bytes_left: limits.difference_bytes,
    };
    let files = Pair { reader: reader.file(), writer: writer.file() };
    if files.reader.package != files.writer.package {
        walk.add(DifferenceKind::PackageChanged, &Path::TOP, &[], Subject::File);
    }
    let level = |file| Level { file, message: None };
    let levels = Pair { reader: level(files.reader), writer: level(files.writer) };
    walk.tasks.push(Task::Level(levels, Path::TOP));
    while let Some(task) = walk.tasks.pop() {
        walk.work_left = walk.work_left.saturating_sub(1);
        if walk.work_left == 0 || walk.is_cut {
            walk.is_cut = true;
            break;
        }
        walk.run(task);
    }
    if walk.is_cut {
        // Nothing says that what was not looked at is compatible.
        let (pairs, bytes) = (limits.pairs, limits.difference_bytes);
        let path = format!("more than {pairs} pairs of types and fields, or {bytes} bytes of differences");
        let difference = Difference { kind: DifferenceKind::TooLarge, path };
        walk.found.push(Finding { difference, subject: Subject::File });
    }
    Found { found: walk.found, reader: walk.types.reader, writer: walk.types.writer }
}

impl<'s> Walk<'s> {
    fn run(&mut self, task: Task<'s>) {
        match task {
            Task::Level(levels, path) => self.level(levels, &path),
            Task::Message(messages, path) => self.message(messages, &path),
            Task::Leave(key) => {
                self.open.remove(&key);
            }
            Task::LookInto(messages, field) => self.look_into_now(messages, field),
            Task::Conclude { start, times_open, types, field } => {
                let breaks = self.found.iter().skip(start).any(|found| !found.difference.is_compatible());
                // What was found may be less than all where a message was met inside itself. Where messages are woven
                // together that way, the reference goes every way through them; with enough work done, once is enough:
                // what is incompatible is listed already.
                if times_open == self.times_open || self.work_left < self.work_enough {
                    self.known.insert(types, breaks);
                }
                if breaks {
                    self.add_rendered(DifferenceKind::FieldNamedTypeChanged, field.path, field.subject);
                }
            }
        }
    }

    pub fn add(&mut self, kind: DifferenceKind, path: &Path<'s>, last: &[&str], subject: Subject<'s>) {
        self.add_rendered(kind, path.render(last), subject);
    }

    fn add_rendered(&mut self, kind: DifferenceKind, path: String, subject: Subject<'s>) {
        match self.bytes_left.checked_sub(size_of::<Finding<'_>>() + path.len()) {
            Some(left) => {
                self.bytes_left = left;
                self.found.push(Finding { difference: Difference { kind, path }, subject });
            }
            None => self.is_cut = true,
        }
    }

    fn level(&mut self, levels: Pair<Level<'s>>, path: &Path<'s>) {
        let messages = |level: Level<'s>| -> BTreeMap<&'s str, (usize, MessageId)> {
            let listed = level.file.messages_of(level.message.map(|message| message.id)).enumerate();
            listed.map(|(place, (id, message))| (message.name.as_str(), (place, id))).collect()
        };
        let message = |level: Level<'s>, id| match level.message {
            Some(around) => around.sibling(id),
            None => MessageRef { file: level.file, origin: super::types::Origin::Local, id },
        };
        let both = Pair { reader: messages(levels.reader), writer: messages(levels.writer) };
        self.work_left = self.work_left.saturating_sub(both.reader.len() + both.writer.len());
        let mut inner = Vec::new();
        for name in both.writer.keys().chain(both.reader.keys()).copied().collect::<BTreeSet<_>>() {
            let found = Pair { reader: both.reader.get(name), writer: both.writer.get(name) };
            let subject = Subject::Message(Pair {
                reader: found.reader.map(|(_, id)| message(levels.reader, *id)),
                writer: found.writer.map(|(_, id)| message(levels.writer, *id)),
            });
            match (found.reader, found.writer) {
                (None, Some((_, id))) if levels.writer.file.message(*id).is_map_entry() => {}
                (None, _) => self.add(DifferenceKind::MessageRemoved, path, &[name], subject),
                (_, None) => self.add(DifferenceKind::MessageAdded, path, &[name], subject),
                (Some((reader_place, reader)), Some((writer_place, writer))) => {
                    if reader_place != writer_place {
                        self.add(DifferenceKind::MessageMoved, path, &[name], subject);
                    }
                    let messages = Pair {
                        reader: message(levels.reader, *reader),
                        writer: message(levels.writer, *writer),
                    };
                    inner.push(Task::Message(messages, path.then(name)));
                }
            }
        }
        self.enums(levels, path);
        self.tasks.extend(inner.into_iter().rev());
    }

    fn enums(&mut self, levels: Pair<Level<'s>>, path: &Path<'s>) {
        let enums = |level: Level<'s>| -> BTreeMap<&'s str, (&'s ProtoFile, EnumId)> {
            let listed = level.file.enums_of(level.message.map(|message| message.id));
            listed.map(|(id, declared)| (declared.name.as_str(), (level.file, id))).collect()
        };
        let both = Pair { reader: enums(levels.reader), writer: enums(levels.writer) };
        for name in both.writer.keys().chain(both.reader.keys()).copied().collect::<BTreeSet<_>>() {
            let found =
                Pair { reader: both.reader.get(name).copied(), writer: both.writer.get(name).copied() };
            match (found.reader, found.writer) {
                (None, _) => self.add(DifferenceKind::EnumRemoved, path, &[name], Subject::Enum(found)),
                (_, None) => self.add(DifferenceKind::EnumAdded, path, &[name], Subject::Enum(found)),
                (Some(reader), Some(writer)) => self.constants(Pair { reader, writer }, &path.then(name)),
            }
        }
    }

    fn constants(&mut self, enums: Pair<(&'s ProtoFile, EnumId)>, path: &Path<'s>) {
        let constants = |(file, id): (&'s ProtoFile, EnumId)| -> BTreeMap<i32, &'s str> {
            let listed = file.enumeration(id).constants.iter();
            listed.map(|constant| (constant.number, constant.name.as_str())).collect()
        };
        let both = Pair { reader: constants(enums.reader), writer: constants(enums.writer) };
        self.work_left = self.work_left.saturating_sub(both.reader.len() + both.writer.len());
        for number in both.writer.keys().chain(both.reader.keys()).copied().collect::<BTreeSet<_>>() {
            let kind = match (both.reader.get(&number), both.writer.get(&number)) {
                (None, _) => DifferenceKind::EnumConstRemoved,
                (_, None) => DifferenceKind::EnumConstAdded,
                (Some(reader), Some(writer)) if reader != writer => DifferenceKind::EnumConstChanged,
                _ => continue,
            };
            self.add(kind, path, &[&number.to_string()], Subject::Constant(enums, number));
        }
    }

    fn message(&mut self, messages: Pair<MessageRef<'s>>, path: &Path<'s>) {
        let key = messages.writer.key();
        if !self.open.insert(key) {
            return;
        }
        self.tasks.push(Task::Leave(key));
        let level = |message: MessageRef<'s>| Level { file: message.file, message: Some(message) };
        let levels = Pair { reader: level(messages.reader), writer: level(messages.writer) };
        self.tasks.push(Task::Level(levels, path.clone()));
        let members =
            Pair { reader: members(messages.reader.message()), writer: members(messages.writer.message()) };
        self.work_left = self.work_left.saturating_sub(members.reader.len() + members.writer.len());
        self.oneofs(messages, &members, path);
        let scopes = Pair { reader: messages.reader.full_name(), writer: messages.writer.full_name() };
        let names: BTreeSet<&str> =
            messages.reader.message().oneofs.iter().map(|oneof| oneof.name.as_str()).collect();
        let survivors: HashSet<&str> = members
            .writer
            .iter()
            .filter(|(number, _)| members.reader.contains_key(number))
            .filter_map(|(_, member)| member.oneof)
            .collect();
        let numbers: BTreeSet<i32> = members.writer.keys().chain(members.reader.keys()).copied().collect();
        for number in numbers {
            if self.is_cut || self.work_left == 0 {
                self.is_cut = true;
                return;
            }
            let subject = Subject::Field(messages, number);
            let text = number.to_string();
            match (members.reader.get(&number), members.writer.get(&number)) {
                (None, Some(gone)) => match gone.oneof {
                    Some(oneof) if names.contains(oneof) || survivors.contains(oneof) => {
                        self.add(DifferenceKind::OneofFieldRemoved, path, &[oneof, &text], subject);
                    }
                    Some(_) => {}
                    None if gone.field.label == Some(Label::Required) => {
                        self.add(DifferenceKind::RequiredFieldRemoved, path, &[&text], subject);
                    }
                    None => self.add(DifferenceKind::FieldRemoved, path, &[&text], subject),
                },
                (Some(new), None) => match new.oneof {
                    Some(oneof) => {
                        self.add(DifferenceKind::OneofFieldAdded, path, &[oneof, &text], subject);
                    }
                    None if new.field.label == Some(Label::Required) => {
                        self.add(DifferenceKind::RequiredFieldAdded, path, &[&text], subject);
                    }
                    None => self.add(DifferenceKind::FieldAdded, path, &[&text], subject),
                },
                (Some(reader), Some(writer)) => {
                    if writer.oneof.is_some() && reader.oneof.is_none() {
                        self.add(DifferenceKind::OneofFieldMovedToTopLevel, path, &[&text], subject);
                    }
                    let path = reader.oneof.map_or_else(|| path.clone(), |oneof| path.then(oneof));
                    let fields = Pair { reader: reader.field, writer: writer.field };
                    let scopes = Pair { reader: scopes.reader.as_str(), writer: scopes.writer.as_str() };
                    self.field(fields, scopes, &path, subject);
                }
                (None, None) => {}
            }
        }
    }

    /// Oneofs that fields have moved into, and names of oneofs that came and went.
    fn oneofs(
        &mut self,
        messages: Pair<MessageRef<'s>>,
        members: &Pair<BTreeMap<i32, Member<'s>>>,
        path: &Path<'s>,
    ) {
        let names = |message: MessageRef<'s>| -> BTreeSet<&'s str> {
            message.message().oneofs.iter().map(|oneof| oneof.name.as_str()).collect()
        };
        let both = Pair { reader: names(messages.reader), writer: names(messages.writer) };
        let mut origins = BTreeMap::<&str, (usize, BTreeSet<&str>)>::new();
        for (number, member) in &members.reader {
            if let (Some(oneof), Some(before)) = (member.oneof, members.writer.get(number)) {
                let (plain, oneofs) = origins.entry(oneof).or_default();
                match before.oneof {
                    Some(oneof) => {
                        oneofs.insert(oneof);
                    }
                    None => *plain += 1,
                }
            }
        }
        for &name in &both.reader {
            let Some((plain, oneofs)) = origins.get(name) else { continue };
            let kind = match (plain, oneofs.len()) {
                (0, 0..=1) | (1, 0) => continue,
                (2.., _) => DifferenceKind::MultipleFieldsMovedToOneof,
                _ => DifferenceKind::FieldMovedToExistingOneof,
            };
            self.add(kind, path, &[name], Subject::Oneof(messages, name));
        }
        for &name in both.writer.difference(&both.reader) {
            self.add(DifferenceKind::OneofRemoved, path, &[name], Subject::Oneof(messages, name));
        }
        for &name in both.reader.difference(&both.writer) {
            self.add(DifferenceKind::OneofAdded, path, &[name], Subject::Oneof(messages, name));
        }
    }

    /// Looks into messages of one name that may not be one: compares them as if they were at the top of their files.
    pub fn look_into(&mut self, messages: Pair<MessageRef<'s>>, field: FieldAt<'s>) {
        self.tasks.push(Task::LookInto(messages, field));
    }

    fn look_into_now(&mut self, messages: Pair<MessageRef<'s>>, field: FieldAt<'s>) {
        let types = (messages.writer.key(), messages.reader.key());
        if self.open.contains(&types.0) {
            self.times_open += 1;
            return;
        }
        match self.known.get(&types) {
            Some(true) => self.add_rendered(DifferenceKind::FieldNamedTypeChanged, field.path, field.subject),
            Some(false) => {}
            None => {
                let (start, times_open) = (self.found.len(), self.times_open);
                self.tasks.push(Task::Conclude { start, times_open, types, field });
                self.tasks.push(Task::Message(messages, Path::of(messages.writer)));
            }
        }
    }
}
