//! Following the path of a difference through two schemas at once.

use super::Instance;
use super::values::{Pair, Search, Slot};
use crate::json::model::{Combined, Kind, Model, NodeId};

/// Longest path that is followed, in steps.
const MOST_STEPS: usize = 40;

/// One step of a path, and where it leads.
enum Step<'p> {
    /// To a member of an object.
    Member(String, &'p str),
    /// To an item of an array.
    Item(usize, &'p str),
    /// To another node for the same value.
    Same(Pair, &'p str),
}

impl Search<'_> {
    /// Instances around the place that `path` names, as [`Difference::path`](crate::json::diff::Difference::path) has it.
    pub(super) fn instances(&mut self, path: &str, most: usize) -> Vec<Instance> {
        self.begin(most);
        let root = Pair { reader: Some(self.reader.root()), writer: Some(self.writer.root()) };
        let path = path.strip_prefix("#/").unwrap_or_default();
        let mut instances = self.follow(path, root, MOST_STEPS);
        // The path may end where the schemas meet in another way; the whole is looked at, too.
        if instances.len() < most / 2 && !path.is_empty() {
            let pointers = instances.iter().map(|instance| &instance.pointer);
            let pointer = pointers.max_by_key(|pointer| pointer.len()).cloned().unwrap_or_default();
            let around = self.around(root).into_iter();
            instances.extend(around.map(|instance| Instance { pointer: pointer.clone(), ..instance }));
        }
        instances.truncate(most);
        instances
    }

    fn around(&mut self, pair: Pair) -> Vec<Instance> {
        let values = self.values(pair, 2).into_iter();
        values.map(|value| Instance { value, pointer: String::new() }).collect()
    }

    fn follow(&mut self, path: &str, pair: Pair, steps: usize) -> Vec<Instance> {
        let step = if steps == 0 { None } else { self.step(path, pair) };
        match step {
            None => self.around(pair),
            Some(Step::Same(pair, rest)) => self.follow(rest, pair, steps - 1),
            Some(Step::Member(name, rest)) => {
                let inner = self.member(pair, &name);
                let found = self.follow(rest, inner, steps - 1).into_iter();
                let escaped = name.replace('~', "~0").replace('/', "~1");
                let mut instances = Vec::new();
                for Instance { value, pointer } in found {
                    for object in self.objects_with(pair, &name, value) {
                        instances.push(Instance { value: object, pointer: format!("/{escaped}{pointer}") });
                    }
                }
                // A member that is not there may be what is wrong.
                if rest.is_empty() || instances.is_empty() {
                    instances.extend(self.around(pair));
                }
                instances
            }
            Some(Step::Item(index, rest)) => {
                let inner = self.item(pair, index);
                let found = self.follow(rest, inner, steps - 1).into_iter();
                let mut instances = Vec::new();
                for Instance { value, pointer } in found {
                    for array in self.arrays_with(pair, index, value) {
                        instances.push(Instance { value: array, pointer: format!("/{index}{pointer}") });
                    }
                }
                if rest.is_empty() || instances.is_empty() {
                    instances.extend(self.around(pair));
                }
                instances
            }
        }
    }

    /// The next step; none at the end, and where the rest names a keyword of the place itself.
    fn step<'p>(&self, path: &'p str, pair: Pair) -> Option<Step<'p>> {
        let (keyword, rest) = path.split_once('/').unwrap_or((path, ""));
        match keyword {
            "properties" => {
                // Names are not escaped: the longest one that is known and fits.
                let names = self.names(pair).into_iter();
                let fitting = names.filter(|name| {
                    rest.strip_prefix(name.as_str())
                        .is_some_and(|after| after.is_empty() || after.starts_with('/'))
                });
                let name = fitting.max_by_key(String::len)?;
                let rest = rest.get(name.len()..).unwrap_or_default();
                Some(Step::Member(name, rest.strip_prefix('/').unwrap_or(rest)))
            }
            "additionalProperties" | "unevaluatedProperties" => {
                Some(Step::Member(self.fresh_name(pair), rest))
            }
            "items" => {
                let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
                match first.parse() {
                    Ok(index) if index < 1_000 => Some(Step::Item(index, after)),
                    _ => Some(Step::Item(0, rest)),
                }
            }
            "additionalItems" | "unevaluatedItems" => Some(Step::Item(self.tuple_length(pair), rest)),
            "allOf" | "anyOf" | "oneOf" => {
                let (index, after) = rest.split_once('/').unwrap_or((rest, ""));
                let index: usize = index.parse().ok()?;
                let writer = pair.writer.and_then(|id| child(self.writer, id, index))?;
                Some(Step::Same(Pair { writer: Some(writer), reader: pair.reader }, after))
            }
            "dependencies" => {
                // What depends on a member is said of the whole object.
                let slot = |slot| match slot {
                    Slot::Node(id) => Some(id),
                    _ => None,
                };
                let names = self.names(pair).into_iter();
                let known = names.filter(|name| rest.starts_with(name.as_str())).max_by_key(String::len)?;
                let after = rest.get(known.len()..).and_then(|after| after.strip_prefix('/'))?;
                let reader = pair.reader.and_then(|id| slot(self.depending(self.reader, id, &known)));
                let writer = pair.writer.and_then(|id| slot(self.depending(self.writer, id, &known)));
                let inner = Pair { reader: reader.or(pair.reader), writer: writer.or(pair.writer) };
                Some(Step::Same(inner, after))
            }
            _ => None,
        }
    }
}

/// The child of a combined node, generated ones not counted.
fn child(model: &Model, id: NodeId, index: usize) -> Option<NodeId> {
    match &model.node(model.resolve(id)?).kind {
        Kind::Combined(Combined { children, .. }) => children.get(index).copied(),
        _ => None,
    }
}
