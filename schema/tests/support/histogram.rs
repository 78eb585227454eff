//! What generated cases are made of.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use muster_schema::avro::AvroSchema;
use muster_schema::avro::model::{Kind, NodeId};

use super::generate::{LOGICAL, LOGICAL_FIXED};
use super::values::branch_name;

/// In how many cases each feature occurs.
#[derive(Default)]
pub struct Histogram {
    cases: usize,
    features: BTreeMap<String, usize>,
}

impl Histogram {
    /// Enters one case: its schemas, and whatever else is worth counting.
    pub fn enter<'a>(
        &mut self,
        schemas: impl IntoIterator<Item = (&'a AvroSchema, bool)>,
        more: impl IntoIterator<Item = String>,
    ) {
        self.cases += 1;
        let mut found: BTreeSet<String> = more.into_iter().collect();
        for (schema, has_references) in schemas {
            features(schema, &mut found);
            if has_references {
                found.insert("reference".to_owned());
            }
        }
        found.into_iter().for_each(|feature| *self.features.entry(feature).or_default() += 1);
    }

    /// Prints the shares and fails if a type, a logical type, recursion or references, or one of `more`, occurs in
    /// fewer than 1 % of the cases.
    pub fn finish(&self, property: &str, more: &[&str]) {
        println!("{property}: {} cases", self.cases);
        for (feature, count) in &self.features {
            println!("  {feature:32} {count:7}  {:5.1} %", 100.0 * *count as f64 / self.cases as f64);
        }
        for feature in expected().into_iter().chain(more.iter().map(|feature| (*feature).to_owned())) {
            let count = self.features.get(&feature).copied().unwrap_or_default();
            assert!(count * 100 >= self.cases, "{property}: {feature} in {count} of {} cases", self.cases);
        }
    }
}

fn expected() -> Vec<String> {
    let types = "null boolean int long float double bytes string array map union record enum fixed error";
    let mut all: Vec<String> = types.split(' ').map(str::to_owned).collect();
    all.extend(LOGICAL.iter().map(|(base, logical, _)| format!("{base}, {logical}")));
    all.extend(LOGICAL_FIXED.iter().map(|(logical, ..)| format!("fixed, {logical}")));
    all.extend(["recursion", "reference", "default", "alias"].map(str::to_owned));
    all
}

fn features(schema: &AvroSchema, found: &mut BTreeSet<String>) {
    let mut seen = HashSet::new();
    let mut todo = vec![schema.root()];
    while let Some(id) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        let node = schema.node(id);
        let kind = match &node.kind {
            Kind::Record(record) if record.is_error => "error".to_owned(),
            Kind::Record(_) => "record".to_owned(),
            Kind::Enum(_) => "enum".to_owned(),
            Kind::Fixed(_) => "fixed".to_owned(),
            kind => branch_name(kind),
        };
        let logical = node.props.iter().find(|(name, _)| name == "logicalType");
        if let Some(logical) = logical.and_then(|(_, value)| value.as_str()) {
            found.insert(format!("{kind}, {logical}"));
        }
        found.insert(kind);
        let parts = parts(schema, id);
        if matches!(node.kind, Kind::Record(_)) && parts.iter().any(|part| reaches(schema, *part, id)) {
            found.insert("recursion".to_owned());
        }
        if let Kind::Record(record) = &node.kind {
            if record.fields.iter().any(|field| field.default.is_some()) {
                found.insert("default".to_owned());
            }
            if record.fields.iter().any(|field| !field.aliases.is_empty()) || !record.named.aliases.is_empty()
            {
                found.insert("alias".to_owned());
            }
        }
        todo.extend(parts);
    }
}

fn parts(schema: &AvroSchema, id: NodeId) -> Vec<NodeId> {
    match &schema.node(id).kind {
        Kind::Array(part) | Kind::Map(part) => vec![*part],
        Kind::Union(branches) => branches.clone(),
        Kind::Record(record) => record.fields.iter().map(|field| field.schema).collect(),
        _ => Vec::new(),
    }
}

fn reaches(schema: &AvroSchema, from: NodeId, target: NodeId) -> bool {
    let mut seen = HashSet::new();
    let mut todo = vec![from];
    while let Some(id) = todo.pop() {
        if id == target {
            return true;
        }
        if seen.insert(id) {
            todo.extend(parts(schema, id));
        }
    }
    false
}
