//! Whether a default fits its type (schema formats spec §1.3): JSON kinds only, any branch of a union.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::attributes::{invalid, shown};
use super::model::{Kind, Node, NodeId};
use crate::format::ParseError;
use crate::jsontext::{Json, Number};
use crate::limits::Limits;

/// The types that a default is checked against, in some stage of being resolved.
pub(super) trait Types {
    /// The type behind an id, placeholders replaced.
    fn node(&self, id: NodeId) -> Option<&Node>;
    /// Whether a record is complete.
    fn has_fields(&self, id: NodeId) -> bool;
    /// The type as JSON, for a message.
    fn text(&self, id: NodeId) -> String;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fits,
    Differs,
    /// The value asks for the fields of a record that is not complete.
    Unset,
}

/// Checks the default of a field.
///
/// Errors: [`ParseError::Invalid`] if it does not fit or reaches a record that is not complete;
/// [`ParseError::TooLarge`] if there are too many ways in which it could fit.
pub(super) fn check(
    types: &impl Types,
    field: &str,
    schema: NodeId,
    value: &Json,
    limits: &Limits,
) -> Result<(), ParseError> {
    match verdict(types, schema, value, limits)? {
        Verdict::Fits => Ok(()),
        Verdict::Unset => Err(invalid("Schema fields not set yet")),
        Verdict::Differs => {
            let (value, schema) = (shown(value), types.text(schema));
            Err(invalid(format!("Invalid default for field {field}: {value} not a {schema}")))
        }
    }
}

/// What a verdict depends on.
enum Rule {
    Known(Verdict),
    /// All must fit; the first that does not decides.
    All(Vec<usize>),
    /// The first that fits or cannot be told decides.
    Any(Vec<usize>),
}

/// One value against one type. Each pair is looked at once, although unions may lead to it in many ways.
struct Pairs<'j> {
    list: Vec<(NodeId, &'j Json, usize)>,
    index: HashMap<(NodeId, *const Json), usize>,
    /// The pair that never fits: a member that is missing.
    missing: Option<usize>,
}

impl<'j> Pairs<'j> {
    fn add(&mut self, id: NodeId, value: &'j Json, depth: usize) -> usize {
        let next = self.list.len();
        let at = *self.index.entry((id, std::ptr::from_ref(value))).or_insert(next);
        if at == next {
            self.list.push((id, value, depth));
        }
        at
    }

    fn missing(&mut self, value: &'j Json, id: NodeId) -> usize {
        *self.missing.get_or_insert_with(|| {
            self.list.push((id, value, usize::MAX));
            self.list.len() - 1
        })
    }
}

fn verdict(types: &impl Types, schema: NodeId, value: &Json, limits: &Limits) -> Result<Verdict, ParseError> {
    let mut pairs = Pairs { list: Vec::new(), index: HashMap::new(), missing: None };
    pairs.add(schema, value, 0);
    let mut rules = Vec::new();
    let mut work = 0_usize;
    while let Some(&(id, value, depth)) = pairs.list.get(rules.len()) {
        let rule = if pairs.missing == Some(rules.len()) {
            Rule::Known(Verdict::Differs)
        } else {
            rule(types, id, value, depth, &mut pairs)
        };
        work = work.saturating_add(match &rule {
            Rule::Known(_) => 1,
            Rule::All(parts) | Rule::Any(parts) => parts.len() + 1,
        });
        if work > limits.pairs {
            return Err(ParseError::TooLarge { what: "ways to check a default", limit: limits.pairs });
        }
        rules.push(rule);
    }
    // A pair depends on deeper values only, or, for a union, on the same value against types that are no unions. So
    // this order has every verdict ready when it is asked for.
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|&at| {
        let depth = pairs.list.get(at).map_or(0, |&(_, _, depth)| depth);
        (Reverse(depth), matches!(rules.get(at), Some(Rule::Any(_))))
    });
    let mut verdicts = vec![Verdict::Differs; rules.len()];
    for at in order {
        let of = |part: &usize| verdicts.get(*part).copied().unwrap_or(Verdict::Differs);
        let verdict = match rules.get(at) {
            Some(Rule::Known(verdict)) => *verdict,
            Some(Rule::All(parts)) => {
                parts.iter().map(of).find(|&v| v != Verdict::Fits).unwrap_or(Verdict::Fits)
            }
            Some(Rule::Any(parts)) => {
                parts.iter().map(of).find(|&v| v != Verdict::Differs).unwrap_or(Verdict::Differs)
            }
            None => continue,
        };
        if let Some(slot) = verdicts.get_mut(at) {
            *slot = verdict;
        }
    }
    Ok(verdicts.first().copied().unwrap_or(Verdict::Differs))
}

fn rule<'j>(types: &impl Types, id: NodeId, value: &'j Json, depth: usize, pairs: &mut Pairs<'j>) -> Rule {
    let Some(node) = types.node(id) else { return Rule::Known(Verdict::Differs) };
    let fits = match (&node.kind, value) {
        (Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Fixed(_), value) => {
            matches!(value, Json::String(_))
        }
        (Kind::Int, Json::Number(text)) => Number::of(text).as_i32().is_some(),
        (Kind::Long, Json::Number(text)) => Number::of(text).as_i64().is_some(),
        (Kind::Float | Kind::Double, value) => matches!(value, Json::Number(_)),
        (Kind::Boolean, value) => matches!(value, Json::Bool(_)),
        (Kind::Null, value) => matches!(value, Json::Null),
        (Kind::Array(items), Json::Array(values)) => {
            return Rule::All(values.iter().map(|value| pairs.add(*items, value, depth + 1)).collect());
        }
        (Kind::Map(values), Json::Object(members)) => {
            return Rule::All(
                members.iter().map(|(_, value)| pairs.add(*values, value, depth + 1)).collect(),
            );
        }
        (Kind::Union(branches), value) => {
            return Rule::Any(branches.iter().map(|branch| pairs.add(*branch, value, depth)).collect());
        }
        (Kind::Record(_), Json::Object(_)) if !types.has_fields(id) => return Rule::Known(Verdict::Unset),
        (Kind::Record(record), Json::Object(members)) => {
            let members: HashMap<&str, &Json> =
                members.iter().map(|(key, value)| (key.as_str(), value)).collect();
            let parts = record.fields.iter().filter_map(|field| match members.get(field.name.as_str()) {
                Some(member) => Some(pairs.add(field.schema, member, depth + 1)),
                // A default of the field itself has been checked when the record was completed.
                None if field.default.is_some() => None,
                None => Some(pairs.missing(value, id)),
            });
            return Rule::All(parts.collect());
        }
        _ => false,
    };
    Rule::Known(if fits { Verdict::Fits } else { Verdict::Differs })
}
