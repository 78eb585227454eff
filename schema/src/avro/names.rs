//! Names: how they are read, checked, compared and printed (schema formats spec §1.2, §1.5).

use std::collections::HashMap;

use super::letters::{is_digit, is_letter};
use super::model::{Kind, Name, Named, Node, NodeId};

/// Names that stand for a type of their own in a schema without a namespace.
pub(crate) const PRIMITIVES: [&str; 8] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Every type name; a named type of such a name is always printed in full.
const TYPES: [&str; 14] = [
    "record", "enum", "array", "map", "union", "fixed", "null", "boolean", "int", "long", "float", "double",
    "bytes", "string",
];

/// Which characters a name may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// ASCII letters, digits and `_`.
    Ascii,
    /// Letters and digits of any script and `_`.
    Unicode,
    /// Nothing is checked.
    Any,
}

impl Alphabet {
    /// Checks a simple name; the error is the text that people see.
    pub(crate) fn check(self, name: &str) -> Result<(), String> {
        type Class = fn(char) -> bool;
        let (letter, digit): (Class, Class) = match self {
            Self::Ascii => (|c| c.is_ascii_alphabetic(), |c| c.is_ascii_digit()),
            Self::Unicode => (is_letter, is_digit),
            Self::Any => return Ok(()),
        };
        let mut characters = name.chars();
        match characters.next() {
            None => Err("Empty name".to_owned()),
            Some(first) if !letter(first) && first != '_' => {
                Err(format!("Illegal initial character: {name}"))
            }
            Some(_) if !characters.all(|c| letter(c) || digit(c) || c == '_') => {
                Err(format!("Illegal character in: {name}"))
            }
            Some(_) => Ok(()),
        }
    }

    /// Checks every part of a namespace.
    pub(crate) fn check_namespace(self, namespace: &str) -> Result<(), String> {
        namespace.split('.').try_for_each(|part| {
            self.check(part).map_err(|reason| format!("Namespace part \"{part}\" is invalid: {reason}"))
        })
    }
}

impl Name {
    /// Splits a name as written. Dots in `name` override `namespace`; an empty namespace is none.
    pub(crate) fn new(name: &str, namespace: Option<&str>) -> Self {
        let (namespace, simple) = match name.rsplit_once('.') {
            Some((namespace, simple)) => (Some(namespace), simple),
            None => (namespace, name),
        };
        let namespace = namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned);
        Self { simple: simple.to_owned(), namespace }
    }

    /// Whether the name must be written in full although it is used inside its own namespace.
    pub(crate) fn reads_as_type(&self) -> bool {
        TYPES.contains(&self.simple.as_str())
    }
}

/// The name of a record, enum or fixed.
pub(crate) fn named(kind: &Kind) -> Option<&Named> {
    match kind {
        Kind::Record(record) => Some(&record.named),
        Kind::Enum(symbols) => Some(&symbols.named),
        Kind::Fixed(fixed) => Some(&fixed.named),
        _ => None,
    }
}

/// The lower-case name of an unnamed type.
pub(crate) fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Long => "long",
        Kind::Float => "float",
        Kind::Double => "double",
        Kind::Bytes => "bytes",
        Kind::String => "string",
        Kind::Array(_) => "array",
        Kind::Map(_) => "map",
        Kind::Union(_) => "union",
        Kind::Record(_) => "record",
        Kind::Enum(_) => "enum",
        Kind::Fixed(_) => "fixed",
    }
}

/// What tells the branches of a union apart: the full name, or the type of an unnamed one.
pub(crate) fn branch_name(kind: &Kind) -> String {
    named(kind).map_or_else(|| type_name(kind).to_owned(), |named| named.name.to_string())
}

/// The name under which canonical text refers to the top-level schema of a reference.
///
/// Unnamed types have one as well (`array`, `union[int, string]`), which matters only to a type of that very name.
pub(crate) fn top_level_name(nodes: &[Node], root: &Node) -> String {
    let Kind::Union(branches) = &root.kind else { return branch_name(&root.kind) };
    let branches =
        branches.iter().filter_map(|id| nodes.get(id.index())).map(|branch| match named(&branch.kind) {
            Some(named) => named.name.simple.as_str(),
            None => type_name(&branch.kind),
        });
    format!("union[{}]", branches.collect::<Vec<_>>().join(", "))
}

/// Numbers for full names and namespaces, so that they are compared without looking at their text again: a hostile
/// schema can repeat a very long namespace very often.
pub(crate) struct NameIndex<'a> {
    by_node: Vec<Option<(usize, usize)>>,
    full: HashMap<(Option<&'a str>, &'a str), usize>,
}

/// The number of the null namespace.
pub(crate) const NO_NAMESPACE: usize = 0;

impl<'a> NameIndex<'a> {
    pub(crate) fn new(nodes: &'a [Node]) -> Self {
        let mut namespaces: HashMap<&str, usize> = HashMap::new();
        let mut full = HashMap::new();
        let by_node = nodes.iter().map(|node| {
            let name = &named(&node.kind)?.name;
            let namespace = name.namespace.as_deref().map_or(NO_NAMESPACE, |namespace| {
                let next = namespaces.len() + 1;
                *namespaces.entry(namespace).or_insert(next)
            });
            let next = full.len();
            let number = *full.entry((name.namespace.as_deref(), name.simple.as_str())).or_insert(next);
            Some((number, namespace))
        });
        let by_node = by_node.collect();
        Self { by_node, full }
    }

    /// The number of the full name and that of the namespace, for named types.
    pub(crate) fn of(&self, id: NodeId) -> Option<(usize, usize)> {
        self.by_node.get(id.index()).copied().flatten()
    }

    /// The number of a full name, if any type has it.
    pub(crate) fn number(&self, full_name: &str) -> Option<usize> {
        let key = match full_name.rsplit_once('.') {
            Some((namespace, simple)) => (Some(namespace), simple),
            None => (None, full_name),
        };
        self.full.get(&key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_at_the_last_dot() {
        let cases = [
            ("a", None, "a"),
            ("a", Some("n"), "n.a"),
            ("a", Some(""), "a"),
            ("x.y.a", Some("n"), "x.y.a"),
            (".a", Some("n"), "a"),
        ];
        for (name, namespace, expected) in cases {
            let parsed = Name::new(name, namespace);
            assert_eq!(parsed.to_string(), expected);
        }
    }

    #[test]
    fn alphabets_differ_in_letters_only() {
        use Alphabet::{Any, Ascii, Unicode};
        let cases = [
            ("_a1", vec![Ascii, Unicode, Any]),
            ("Ünï", vec![Unicode, Any]),
            ("a-b", vec![Any]),
            ("1x", vec![Any]),
            ("$x", vec![Any]),
            ("", vec![Any]),
        ];
        for (name, expected) in cases {
            let accepting: Vec<Alphabet> =
                [Ascii, Unicode, Any].into_iter().filter(|alphabet| alphabet.check(name).is_ok()).collect();
            assert_eq!(accepting, expected, "{name:?}");
        }
        assert_eq!(Ascii.check_namespace("a.b"), Ok(()));
        assert_eq!(
            Ascii.check_namespace("a.x-y").unwrap_err(),
            "Namespace part \"x-y\" is invalid: Illegal character in: x-y"
        );
        assert!(Ascii.check_namespace("a..b").is_err());
    }
}
