//! Finds what a name means: from the innermost scope outwards, in the file, its imports and every built-in file,
//! whether imported or not (schema formats spec §2.3).
//!
//! Packages, messages, enums and extensions form one tree of name parts, so that its size is that of the texts however
//! deep things nest.

use std::collections::{BTreeSet, HashMap};

use super::builtin;
use super::model::{EnumId, Extend, Field, MessageId, ProtoFile, TypeId};
use super::parse::Budget;
use crate::format::ParseError;

/// A place in the tree of names.
pub(super) type Place = usize;

/// The whole of what can be named: no package.
const ROOT: Place = 0;
/// What the file itself is called; the reference calls it so, too.
const OWN_PATH: &str = "default";

/// Every name that a file may use.
pub(super) struct Names<'f> {
    nodes: Vec<Node<'f>>,
    edges: HashMap<(Place, &'f str), Place>,
    /// Each file with the places of its package and its messages; the file itself comes first.
    files: Vec<FilePlaces<'f>>,
}

struct FilePlaces<'f> {
    path: &'f str,
    file: &'f ProtoFile,
    package: Place,
    messages: Vec<Place>,
}

#[derive(Default)]
struct Node<'f> {
    parent: Place,
    part: &'f str,
    found: Option<Found<'f>>,
    extension: Option<Extension<'f>>,
}

/// A type, and where it is defined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'f> {
    pub(super) file: &'f ProtoFile,
    pub(super) id: TypeId,
}

/// An extension and the scope of the names in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'f> {
    pub(super) field: &'f Field,
    pub(super) scope: Place,
}

impl<'f> Names<'f> {
    /// The names that `file` may use.
    pub(super) fn new(file: &'f ProtoFile, imports: &'f [(String, ProtoFile)]) -> Self {
        let mut names = Self { nodes: vec![Node::default()], edges: HashMap::new(), files: Vec::new() };
        names.add(OWN_PATH, file);
        for (path, import) in imports {
            names.add(path, import);
        }
        for (path, file) in builtin::files() {
            if !imports.iter().any(|(name, _)| name == path) {
                names.add(path, file);
            }
        }
        names.add_extensions();
        names
    }

    /// The scope of the names in the file, outside of messages.
    pub(super) fn package(&self) -> Place {
        self.package_of(0)
    }

    /// The scope of the names in a message of the file.
    pub(super) fn message(&self, id: MessageId) -> Place {
        self.message_of(0, id)
    }

    /// The scope of the names in a file, outside of messages. The file itself is the first, imports in order follow.
    pub(super) fn package_of(&self, file: usize) -> Place {
        self.files.get(file).map_or(ROOT, |places| places.package)
    }

    /// The scope of the names in a message of a file.
    pub(super) fn message_of(&self, file: usize, id: MessageId) -> Place {
        self.files.get(file).and_then(|places| places.messages.get(id.0)).copied().unwrap_or(ROOT)
    }

    /// Every file: the file itself, its imports in order, and the built-in files that none of them replaces.
    pub(super) fn files(&self) -> impl Iterator<Item = &'f ProtoFile> {
        self.files.iter().map(|places| places.file)
    }

    /// The type called `name` in `scope`.
    pub(super) fn resolve(
        &self,
        scope: Place,
        name: &str,
        budget: &mut Budget<'_>,
    ) -> Result<Option<(Place, Found<'f>)>, ParseError> {
        self.find(scope, name, budget, |node| node.found)
    }

    /// The extension called `name` in `scope`, whatever it extends.
    pub(super) fn resolve_extension(
        &self,
        scope: Place,
        name: &str,
        budget: &mut Budget<'_>,
    ) -> Result<Option<(Place, Extension<'f>)>, ParseError> {
        self.find(scope, name, budget, |node| node.extension)
    }

    /// The full name of a place, without a leading dot.
    pub(super) fn full_name(&self, mut place: Place) -> String {
        let mut parts = Vec::new();
        while let Some(node) = self.nodes.get(place).filter(|_| place != ROOT) {
            parts.push(node.part);
            place = node.parent;
        }
        parts.reverse();
        parts.join(".")
    }

    /// What a file is called.
    pub(super) fn path_of(&self, file: usize) -> &'f str {
        self.files.get(file).map_or("", |places| places.path)
    }

    /// The other files whose types a file uses, by index, in ascending order. What cannot be found is left out.
    pub(super) fn needed_by(&self, file: usize, budget: &mut Budget<'_>) -> Result<Vec<usize>, ParseError> {
        let mut needed = BTreeSet::new();
        let Some(places) = self.files.get(file) else { return Ok(Vec::new()) };
        let mut need = |scope: Place, name: &str| -> Result<(), ParseError> {
            if let Some((_, found)) = self.resolve(scope, name, budget)? {
                let defining = self.files.iter().position(|other| std::ptr::eq(other.file, found.file));
                needed.extend(defining.filter(|defining| *defining != file));
            }
            Ok(())
        };
        let package = places.package;
        for (message, scope) in places.file.messages.iter().zip(&places.messages) {
            let members = message.groups.iter().chain(message.oneofs.iter().flat_map(|oneof| &oneof.groups));
            let extended = message.extends.iter().flat_map(|extend| &extend.fields);
            let fields = message.all_fields().chain(members.flat_map(|group| &group.fields)).chain(extended);
            for field in fields {
                if let Some(name) = field.field_type.name() {
                    need(*scope, name)?;
                }
            }
            for extend in &message.extends {
                need(*scope, &extend.name)?;
            }
        }
        for extend in &places.file.extends {
            need(package, &extend.name)?;
            for name in extend.fields.iter().filter_map(|field| field.field_type.name()) {
                need(package, name)?;
            }
        }
        for rpc in places.file.services.iter().flat_map(|service| &service.rpcs) {
            need(package, &rpc.request.name)?;
            need(package, &rpc.response.name)?;
        }
        Ok(needed.into_iter().collect())
    }

    fn find<T>(
        &self,
        scope: Place,
        name: &str,
        budget: &mut Budget<'_>,
        pick: impl Fn(&Node<'f>) -> Option<T>,
    ) -> Result<Option<(Place, T)>, ParseError> {
        let (mut scope, name) = name.strip_prefix('.').map_or((scope, name), |absolute| (ROOT, absolute));
        loop {
            budget.steps(1 + name.len() / 16)?;
            let place = self.walk(scope, name);
            let picked = place.and_then(|place| Some((place, pick(self.nodes.get(place)?)?)));
            if picked.is_some() || scope == ROOT {
                return Ok(picked);
            }
            scope = self.nodes.get(scope).map_or(ROOT, |node| node.parent);
        }
    }

    fn walk(&self, from: Place, name: &str) -> Option<Place> {
        name.split('.').try_fold(from, |place, part| self.edges.get(&(place, part)).copied())
    }

    /// The place of `name` below `from`, made if need be.
    fn make(&mut self, from: Place, name: &'f str) -> Place {
        name.split('.').fold(from, |parent, part| {
            let next = self.nodes.len();
            let place = *self.edges.entry((parent, part)).or_insert(next);
            if place == next {
                self.nodes.push(Node { parent, part, ..Node::default() });
            }
            place
        })
    }

    fn add(&mut self, path: &'f str, file: &'f ProtoFile) {
        let package = file.package.as_deref().map_or(ROOT, |package| self.make(ROOT, package));
        let mut places =
            FilePlaces { path, file, package, messages: Vec::with_capacity(file.messages.len()) };
        for (at, message) in file.messages.iter().enumerate() {
            let parent = places.of(message.parent);
            let place = self.make(parent, &message.name);
            self.define(place, Found { file, id: TypeId::Message(MessageId(at)) });
            places.messages.push(place);
        }
        for (at, found) in file.enums.iter().enumerate() {
            let place = self.make(places.of(found.parent), &found.name);
            self.define(place, Found { file, id: TypeId::Enum(EnumId(at)) });
        }
        self.files.push(places);
    }

    /// Gives a place a type, unless it has one. What is in a package that begins with a dot is never found.
    fn define(&mut self, place: Place, found: Found<'f>) {
        if found.file.package.as_ref().is_some_and(|package| package.starts_with('.')) {
            return;
        }
        if let Some(node) = self.nodes.get_mut(place) {
            node.found.get_or_insert(found);
        }
    }

    fn add_extensions(&mut self) {
        let mut blocks: Vec<(Place, &'f Extend)> = Vec::new();
        for places in &self.files {
            let nested = places.file.messages.iter().zip(&places.messages);
            blocks.extend(places.file.extends.iter().map(|extend| (places.package, extend)));
            blocks
                .extend(nested.flat_map(|(message, at)| message.extends.iter().map(|extend| (*at, extend))));
        }
        for (scope, extend) in blocks {
            for field in &extend.fields {
                let place = self.make(scope, &field.name);
                if let Some(node) = self.nodes.get_mut(place) {
                    node.extension.get_or_insert(Extension { field, scope });
                }
            }
        }
    }
}

impl FilePlaces<'_> {
    fn of(&self, parent: Option<MessageId>) -> Place {
        parent.and_then(|id| self.messages.get(id.0)).copied().unwrap_or(self.package)
    }
}
