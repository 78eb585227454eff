//! The next version of a schema: a few edits as people make them, compatible or not.

use super::Choices;
use super::generate::{DefinitionKind, FieldModel, LOGICAL, Model, PRIMITIVES, Type, same_branch};

/// Makes one to four edits. The result may be no valid schema: a field may occur twice, say.
pub fn evolve(model: &Model, choices: &mut Choices<'_>) -> Model {
    let mut next = model.clone();
    for _ in 0..=choices.below(4) {
        edit(&mut next, choices);
    }
    next
}

fn edit(model: &mut Model, choices: &mut Choices<'_>) {
    if choices.below(3) == 0 || model.types.is_empty() {
        edit_type(model, choices);
        return;
    }
    let at = choices.below(model.types.len());
    let fresh = format!("g{}", choices.below(20));
    let new_type = simple_type(model, choices);
    let default = model.default_of(&new_type, 3).filter(|_| choices.below(2) == 0);
    let edits_name = choices.once_in(7);
    let definition = &mut model.types[at];
    if edits_name {
        match choices.below(4) {
            0 => definition.namespace = "other",
            1 => {
                let full_name = format!("{}.{}", definition.namespace, definition.name);
                definition.aliases.push(full_name);
                definition.name.push_str("New");
            }
            2 => definition.name.push('X'),
            _ => definition.doc = Some("Another doc."),
        }
        return;
    }
    match &mut definition.kind {
        DefinitionKind::Enum { symbols, default } => match choices.below(5) {
            0 => symbols.push(fresh),
            1 if symbols.len() > 1 => {
                let gone = symbols.remove(choices.below(symbols.len()));
                default.take_if(|default| *default == gone);
            }
            2 => symbols.reverse(),
            3 => *default = symbols.first().cloned(),
            _ => *default = None,
        },
        DefinitionKind::Fixed { size, logical } => {
            *size += 1;
            *logical = "";
        }
        DefinitionKind::Record { is_error, fields } => {
            let at = choices.below(fields.len().max(1));
            let field = FieldModel {
                name: fresh.clone(),
                schema: new_type,
                default,
                aliases: Vec::new(),
                doc: None,
                order: "",
            };
            match (choices.below(12), fields.get_mut(at)) {
                (0..3, _) | (_, None) => fields.insert(at.min(fields.len()), field),
                (3..5, _) => {
                    fields.remove(at);
                }
                (5, Some(old)) => {
                    old.aliases.push(old.name.clone());
                    old.name = fresh;
                }
                (6, Some(old)) => old.name = fresh,
                (7, _) => fields.reverse(),
                (8, Some(old)) => old.default = None,
                (9, Some(old)) => {
                    (old.doc, old.order) = (Some("Another doc."), "ignore");
                }
                (10, Some(old)) => old.aliases.push(fresh),
                _ => *is_error = !*is_error,
            }
        }
    }
}

/// A type without parts, or a name of the model.
fn simple_type(model: &Model, choices: &mut Choices<'_>) -> Type {
    match choices.below(12) {
        pick @ 0..8 => Type::Primitive(PRIMITIVES[pick]),
        8 => Type::Logical(choices.below(LOGICAL.len())),
        9 => Type::Array(Box::new(Type::Primitive("int"))),
        10 => Type::Union(vec![Type::Primitive("null"), Type::Primitive("string")]),
        _ if model.types.is_empty() => Type::Primitive("int"),
        _ => Type::Named(choices.below(model.types.len())),
    }
}

/// Changes one type somewhere.
fn edit_type(model: &mut Model, choices: &mut Choices<'_>) {
    let mut count = 0;
    each_type(model, &mut |_| count += 1);
    let target = choices.below(count);
    let replacement = simple_type(model, choices);
    let action = choices.below(6);
    let branch = choices.byte();
    let mut at = 0;
    each_type(model, &mut |schema| {
        at += 1;
        if at != target + 1 {
            return;
        }
        match (action, &mut *schema) {
            (0, Type::Primitive(name)) => *name = promoted(name),
            (0..=2, Type::Union(branches)) => {
                if branches.iter().all(|other| !same_branch(other, &replacement))
                    && !matches!(replacement, Type::Union(_))
                {
                    branches.insert(usize::from(branch) % (branches.len() + 1), replacement.clone());
                }
            }
            (3..=4, Type::Union(branches)) if branches.len() > 1 => {
                branches.remove(usize::from(branch) % branches.len());
            }
            (5, Type::Union(branches)) => branches.reverse(),
            (1..=2, other) if !matches!(other, Type::Primitive("null")) => {
                let old = std::mem::replace(other, Type::Primitive("null"));
                *other = Type::Union(vec![Type::Primitive("null"), old]);
            }
            (_, other) => *other = replacement.clone(),
        }
    });
}

fn promoted(name: &str) -> &'static str {
    match name {
        "int" => "long",
        "long" => "double",
        "float" => "double",
        "string" => "bytes",
        "bytes" => "string",
        _ => "int",
    }
}

/// Visits every use of a type, branches of unions aside: those are edited with their union.
fn each_type(model: &mut Model, visit: &mut dyn FnMut(&mut Type)) {
    fn go(schema: &mut Type, visit: &mut dyn FnMut(&mut Type)) {
        match schema {
            Type::Array(part) | Type::Map(part) => go(part, visit),
            Type::Union(branches) => {
                for branch in branches {
                    if let Type::Array(part) | Type::Map(part) = branch {
                        go(part, visit);
                    }
                }
            }
            _ => {}
        }
        visit(schema);
    }
    go(&mut model.root, visit);
    for definition in &mut model.types {
        if let DefinitionKind::Record { fields, .. } = &mut definition.kind {
            fields.iter_mut().for_each(|field| go(&mut field.schema, visit));
        }
    }
}
