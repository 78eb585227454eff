//! Objects with and without every member that matters.

use serde_json::{Map, Value};

use super::facts::{Facts, Slot, leaves};
use super::{Pair, Search};
use crate::json::model::{Model, NodeId};
use crate::json::pattern::Pattern;
use crate::json::witness::pattern;

/// Most members of one object.
const MOST_MEMBERS: usize = 300;
/// Most members that are varied one by one.
const VARIED_MEMBERS: usize = 60;

type Object = Map<String, Value>;

fn facts_of(model: &Model, id: Option<NodeId>) -> Facts<'_> {
    id.map_or_else(Facts::default, |id| Facts::of(model, &leaves(model, id)))
}

impl Search<'_> {
    /// What both sides say about a member.
    pub(in crate::json::witness) fn member(&self, pair: Pair, name: &str) -> Pair {
        let reader = facts_of(self.reader, pair.reader).member(name).node();
        let writer = facts_of(self.writer, pair.writer).member(name).node();
        Pair { reader, writer }
    }

    /// All member names that either side mentions.
    pub(in crate::json::witness) fn names(&self, pair: Pair) -> Vec<String> {
        let mut names = facts_of(self.writer, pair.writer).names();
        names.extend(facts_of(self.reader, pair.reader).names());
        names
    }

    /// The schema that a member brings with it.
    pub(in crate::json::witness) fn depending(&self, model: &Model, id: NodeId, name: &str) -> Slot {
        let facts = facts_of(model, Some(id));
        let mut found = facts.objects.iter().flat_map(|object| &object.schemas_with);
        found.find(|(known, _)| known == name).map_or(Slot::Any, |(_, id)| Slot::Node(*id))
    }

    /// A name that neither side has a schema for.
    pub(in crate::json::witness) fn fresh_name(&self, pair: Pair) -> String {
        self.fresh_names(pair).into_iter().next().unwrap_or_else(|| "extra".to_owned())
    }

    fn fresh_names(&self, pair: Pair) -> Vec<String> {
        const NAMES: [&str; 10] = ["x", "extra", "y", "z", "A", "_", "0", "é", "more", "unknown_member"];
        let (reader, writer) = (facts_of(self.reader, pair.reader), facts_of(self.writer, pair.writer));
        let known = self.names(pair);
        let patterns: Vec<&str> = writer.name_patterns().chain(reader.name_patterns()).collect();
        let is_fresh = |name: &&&str| {
            !known.iter().any(|known| known == **name)
                && !patterns.iter().any(|pattern| Pattern::new(pattern).is_found_in(name))
        };
        NAMES.iter().filter(is_fresh).map(|name| (*name).to_owned()).collect()
    }

    /// Objects that have a member `name` of this value, and as little else as need be.
    pub(in crate::json::witness) fn objects_with(
        &mut self,
        pair: Pair,
        name: &str,
        value: Value,
    ) -> Vec<Value> {
        let hints = facts_of(self.reader, pair.reader);
        let shapes = pair.writer.map_or_else(|| vec![Vec::new()], |id| super::shapes(self.writer, id));
        let mut objects: Vec<Value> = Vec::new();
        for shape in shapes.iter().take(4) {
            let facts = Facts::of(self.writer, shape);
            for mut object in self.bases(pair, &facts, &hints) {
                object.insert(name.to_owned(), value.clone());
                self.complete(pair, &facts, &mut object);
                let object = Value::Object(object);
                if !objects.contains(&object) {
                    objects.push(object);
                }
            }
        }
        objects
    }

    pub(super) fn objects(
        &mut self,
        pair: Pair,
        facts: &Facts<'_>,
        hints: &Facts<'_>,
        depth: usize,
        values: &mut Vec<Value>,
    ) {
        let bases = self.bases(pair, facts, hints);
        let mut names = facts.names();
        names.extend(hints.names().into_iter().filter(|name| !facts.member_is_declared(name)));
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        // Names that patterns and rules about names ask for.
        let patterns: Vec<String> =
            facts.name_patterns().chain(hints.name_patterns()).map(str::to_owned).collect();
        for pattern in patterns.iter().take(8) {
            names.extend(pattern::texts(pattern).into_iter().take(3));
        }
        for object in facts.objects.iter().take(2).chain(hints.objects.iter().take(2)) {
            let (Some(rule), is_own) =
                (object.property_names, facts.objects.iter().any(|own| std::ptr::eq(*own, *object)))
            else {
                continue;
            };
            let inner = if is_own {
                Pair { reader: None, writer: Some(rule) }
            } else {
                Pair { reader: Some(rule), writer: None }
            };
            let texts = self.values(inner, 0).into_iter();
            names.extend(texts.filter_map(|text| text.as_str().map(str::to_owned)).take(12));
        }
        names.extend(self.fresh_names(pair).into_iter().take(3));
        names.truncate(MOST_MEMBERS);
        for base in &bases {
            values.push(Value::Object(base.clone()));
        }
        let Some(base) = bases.into_iter().next() else { return };

        // Everything at once, and everything but one.
        let mut full = base.clone();
        for name in &names {
            if full.len() < MOST_MEMBERS && !full.contains_key(name) && facts.member(name) != Slot::Refused {
                let inner = self.member(pair, name);
                if let Some(value) = self.sample(inner) {
                    full.insert(name.clone(), value);
                }
            }
        }
        for name in hints.objects.iter().flat_map(|object| &object.required).take(VARIED_MEMBERS) {
            let mut lacking = full.clone();
            lacking.shift_remove(name);
            values.push(Value::Object(lacking));
        }
        values.push(Value::Object(full.clone()));
        self.sizes(pair, facts, hints, &base, &full, values);

        // What a member brings with it, for or against.
        let bringing = hints.objects.iter().flat_map(|object| &object.schemas_with).take(4);
        for (name, schema) in bringing.filter(|_| depth > 0) {
            let inner = Pair { reader: Some(*schema), writer: pair.writer };
            let Some(trigger) = self.sample(self.member(pair, name)) else { continue };
            for value in self.values(inner, depth - 1) {
                if let Value::Object(mut object) = value {
                    object.insert(name.clone(), trigger.clone());
                    values.push(Value::Object(object));
                }
            }
        }

        for name in names.iter().take(VARIED_MEMBERS) {
            let inner = self.member(pair, name);
            let varied = if depth > 0 {
                self.nested(inner, depth - 1)
            } else {
                self.sample(inner).into_iter().collect()
            };
            for value in varied {
                let mut object = base.clone();
                object.insert(name.clone(), value);
                let mut completed = object.clone();
                self.complete(pair, facts, &mut completed);
                if completed != object {
                    values.push(Value::Object(completed));
                }
                values.push(Value::Object(object));
            }
        }
    }

    /// Objects of as many members as the bounds of either side.
    fn sizes(
        &mut self,
        pair: Pair,
        facts: &Facts<'_>,
        hints: &Facts<'_>,
        base: &Object,
        full: &Object,
        values: &mut Vec<Value>,
    ) {
        let bounds = facts.objects.iter().chain(&hints.objects);
        let bounds = bounds.flat_map(|object| [object.min_properties, object.max_properties]).flatten();
        for bound in bounds.filter_map(|bound| usize::try_from(bound).ok()).take(12) {
            for size in [bound.saturating_sub(1), bound, bound.saturating_add(1)] {
                if size > MOST_MEMBERS {
                    continue;
                }
                let mut object = base.clone();
                for (name, value) in full {
                    if object.len() >= size {
                        break;
                    }
                    object.insert(name.clone(), value.clone());
                }
                let mut number = 0;
                while object.len() < size && number < 2 * MOST_MEMBERS {
                    number += 1;
                    let name = format!("x{number}");
                    if facts.member(&name) == Slot::Refused {
                        break;
                    }
                    let inner = self.member(pair, &name);
                    let Some(value) = self.sample(inner) else { break };
                    object.insert(name, value);
                }
                values.push(Value::Object(object));
            }
        }
    }

    /// The least object that the writer asks for, and the least that both do.
    fn bases(&mut self, pair: Pair, facts: &Facts<'_>, hints: &Facts<'_>) -> Vec<Object> {
        let own: Vec<&String> = facts.objects.iter().flat_map(|object| &object.required).collect();
        let theirs: Vec<&String> = hints.objects.iter().flat_map(|object| &object.required).collect();
        let mut least = Object::new();
        for name in own.into_iter().take(MOST_MEMBERS) {
            let inner = self.member(pair, name);
            // Without it nothing will do; whatever stands here, the instance is refused.
            least.insert(name.clone(), self.sample(inner).unwrap_or(Value::Null));
        }
        self.complete(pair, facts, &mut least);
        let mut both = least.clone();
        for name in theirs.into_iter().take(MOST_MEMBERS) {
            if !both.contains_key(name) && facts.member(name) != Slot::Refused {
                let inner = self.member(pair, name);
                if let Some(value) = self.sample(inner) {
                    both.insert(name.clone(), value);
                }
            }
        }
        self.complete(pair, facts, &mut both);
        if both == least { vec![least] } else { vec![least, both] }
    }

    /// Adds what the members that are there ask for.
    fn complete(&mut self, pair: Pair, facts: &Facts<'_>, object: &mut Object) {
        let listed = facts.objects.iter().flat_map(|object| &object.required_with);
        let mut lists: Vec<(&String, Vec<&String>)> =
            listed.take(100).map(|(name, others)| (name, others.iter().collect())).collect();
        let writer = self.writer;
        for (name, schema) in facts.objects.iter().flat_map(|object| &object.schemas_with).take(20) {
            let demanded = Facts::of(writer, &leaves(writer, *schema));
            lists.push((name, demanded.objects.iter().flat_map(|object| &object.required).collect()));
        }
        for _ in 0..4 {
            let before = object.len();
            for (name, others) in &lists {
                if !object.contains_key(*name) {
                    continue;
                }
                for other in others.iter().take(MOST_MEMBERS) {
                    if !object.contains_key(*other) {
                        let inner = self.member(pair, other);
                        let value = self.sample(inner).unwrap_or(Value::Null);
                        object.insert((*other).clone(), value);
                    }
                }
            }
            if object.len() == before {
                return;
            }
        }
    }
}

impl Facts<'_> {
    fn member_is_declared(&self, name: &str) -> bool {
        self.objects.iter().any(|object| object.properties.iter().any(|(known, _)| known == name))
    }
}
