//! Random schemas with data of them, and a plain recursive decoder to compare the walker with.

use crate::avro::model::{AvroSchema, Enum, Field, Fixed, Kind, Name, Named, Node, NodeId, Order, Record};

/// Choices taken from a string of bytes; when it is used up every choice is the first one, so everything ends.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    fn number(&mut self) -> i64 {
        let width = self.below(9);
        (0..width).fold(0, |number, _| number << 8 | i64::from(self.byte())) ^ -i64::from(self.byte() & 1)
    }
}

/// A schema that uses every type, names, unions and recursion. It always has finite data: a record that is not
/// complete is used inside optional fields, arrays and maps only.
pub(crate) fn schema(choices: &mut Choices<'_>) -> AvroSchema {
    let mut builder = Builder::default();
    let root = builder.any(choices, 4);
    AvroSchema::from_nodes(builder.nodes, root)
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    complete: Vec<NodeId>,
    open: Vec<NodeId>,
}

const PRIMITIVES: [Kind; 8] =
    [Kind::Null, Kind::Boolean, Kind::Int, Kind::Long, Kind::Float, Kind::Double, Kind::Bytes, Kind::String];

impl Builder {
    fn add(&mut self, kind: Kind) -> NodeId {
        self.nodes.push(Node { kind, props: Vec::new() });
        NodeId(u32::try_from(self.nodes.len() - 1).unwrap())
    }

    fn named(&self) -> Named {
        let name = Name { simple: format!("N{}", self.nodes.len()), namespace: Some("test".to_owned()) };
        Named { name, aliases: Vec::new(), doc: None }
    }

    fn any(&mut self, choices: &mut Choices<'_>, depth: usize) -> NodeId {
        match choices.below(if depth == 0 { 10 } else { 22 }) {
            pick @ 0..8 => self.add(PRIMITIVES[pick].clone()),
            8 => {
                let named = self.named();
                let symbols = (0..choices.below(4) + 1).map(|n| format!("S{n}")).collect();
                let id = self.add(Kind::Enum(Enum { named, symbols, default: None }));
                self.complete.push(id);
                id
            }
            9 => {
                let named = self.named();
                let id = self.add(Kind::Fixed(Fixed { named, size: choices.below(5) }));
                self.complete.push(id);
                id
            }
            10..12 => {
                let items = self.any(choices, depth - 1);
                self.add(Kind::Array(items))
            }
            12..14 => {
                let values = self.any(choices, depth - 1);
                self.add(Kind::Map(values))
            }
            14..16 => self.union(choices, depth),
            16 if !self.complete.is_empty() => self.complete[choices.below(self.complete.len())],
            17 if !self.open.is_empty() => {
                let inner = self.open[choices.below(self.open.len())];
                match choices.below(3) {
                    0 => self.add(Kind::Array(inner)),
                    1 => self.add(Kind::Map(inner)),
                    _ => {
                        let null = self.add(Kind::Null);
                        let branches =
                            if choices.below(2) == 0 { vec![null, inner] } else { vec![inner, null] };
                        self.add(Kind::Union(branches))
                    }
                }
            }
            _ => self.record(choices, depth),
        }
    }

    fn record(&mut self, choices: &mut Choices<'_>, depth: usize) -> NodeId {
        let named = self.named();
        let id = self.add(Kind::Null);
        self.open.push(id);
        let fields = (0..choices.below(6))
            .map(|n| Field {
                name: format!("f{n}"),
                schema: self.any(choices, depth - 1),
                doc: None,
                default: None,
                order: Order::Ascending,
                aliases: Vec::new(),
                props: Vec::new(),
            })
            .collect();
        self.open.pop();
        self.complete.push(id);
        self.nodes[id.0 as usize].kind = Kind::Record(Record { named, is_error: false, fields });
        id
    }

    fn union(&mut self, choices: &mut Choices<'_>, depth: usize) -> NodeId {
        let mut branches: Vec<NodeId> = Vec::new();
        for _ in 0..choices.below(5) {
            let branch = self.any(choices, depth - 1);
            let kind = |id: &NodeId| std::mem::discriminant(&self.nodes[id.0 as usize].kind);
            let is_union = matches!(self.nodes[branch.0 as usize].kind, Kind::Union(_));
            if !is_union && branches.iter().all(|other| kind(other) != kind(&branch)) {
                branches.push(branch);
            }
        }
        if branches.is_empty() {
            branches.push(self.add(Kind::Null));
        }
        self.add(Kind::Union(branches))
    }
}

/// Appends the plain encoding of some datum.
pub(crate) fn datum(
    schema: &AvroSchema,
    id: NodeId,
    choices: &mut Choices<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) {
    let inner = depth.saturating_sub(1);
    match &schema.node(id).kind {
        Kind::Null => {}
        Kind::Boolean => out.push(choices.byte() & 1),
        Kind::Int => varint(i64::from(choices.number() as i32), out),
        Kind::Long => varint(choices.number(), out),
        Kind::Float => out.extend((0..4).map(|_| choices.byte())),
        Kind::Double => out.extend((0..8).map(|_| choices.byte())),
        Kind::Bytes => {
            let length = choices.below(20);
            varint(length as i64, out);
            out.extend((0..length).map(|_| choices.byte()));
        }
        Kind::String => text(choices, out),
        Kind::Fixed(fixed) => out.extend((0..fixed.size).map(|_| choices.byte())),
        Kind::Enum(symbols) => varint(choices.below(symbols.symbols.len()) as i64, out),
        Kind::Array(items) => blocks(choices, depth, out, |choices, out| {
            datum(schema, *items, choices, inner, out);
        }),
        Kind::Map(values) => blocks(choices, depth, out, |choices, out| {
            text(choices, out);
            datum(schema, *values, choices, inner, out);
        }),
        Kind::Union(branches) => {
            let null = branches.iter().position(|id| matches!(schema.node(*id).kind, Kind::Null));
            let branch = match null {
                Some(null) if depth == 0 => null,
                _ => choices.below(branches.len()),
            };
            varint(branch as i64, out);
            datum(schema, branches[branch], choices, inner, out);
        }
        Kind::Record(record) => {
            record.fields.iter().for_each(|field| datum(schema, field.schema, choices, inner, out));
        }
    }
}

fn blocks(
    choices: &mut Choices<'_>,
    depth: usize,
    out: &mut Vec<u8>,
    item: impl Fn(&mut Choices<'_>, &mut Vec<u8>),
) {
    for _ in 0..if depth == 0 { 0 } else { choices.below(3) } {
        let count = choices.below(3) + 1;
        let mut items = Vec::new();
        (0..count).for_each(|_| item(choices, &mut items));
        if choices.below(2) == 0 {
            varint(count as i64, out);
        } else {
            varint(-(count as i64), out);
            varint(items.len() as i64, out);
        }
        out.extend(items);
    }
    out.push(0);
}

fn text(choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    let text: String = (0..choices.below(6)).map(|_| ['a', 'ß', '€', '🚀'][choices.below(4)]).collect();
    varint(text.len() as i64, out);
    out.extend(text.bytes());
}

/// Appends a zigzag varint.
pub(crate) fn varint(value: i64, out: &mut Vec<u8>) {
    let mut left = (value << 1) as u64 ^ (value >> 63) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// The straightforward decoder: takes one datum off the input, or says no.
pub(crate) fn accepts(
    schema: &AvroSchema,
    id: NodeId,
    input: &mut &[u8],
    items_left: &mut usize,
) -> Option<()> {
    match &schema.node(id).kind {
        Kind::Null => {}
        Kind::Boolean => {
            take(input, 1).filter(|byte| byte[0] < 2)?;
        }
        Kind::Int => {
            read(input, 32)?;
        }
        Kind::Long => {
            read(input, 64)?;
        }
        Kind::Float => {
            take(input, 4)?;
        }
        Kind::Double => {
            take(input, 8)?;
        }
        Kind::Bytes => {
            let length = usize::try_from(read(input, 64)?).ok()?;
            take(input, length)?;
        }
        Kind::String => key(input)?,
        Kind::Fixed(fixed) => {
            take(input, fixed.size)?;
        }
        Kind::Enum(symbols) => {
            symbols.symbols.get(usize::try_from(read(input, 32)?).ok()?)?;
        }
        Kind::Array(items) => {
            items_of(input, items_left, |input, left| accepts(schema, *items, input, left))?
        }
        Kind::Map(values) => items_of(input, items_left, |input, left| {
            key(input)?;
            accepts(schema, *values, input, left)
        })?,
        Kind::Union(branches) => {
            let branch = branches.get(usize::try_from(read(input, 32)?).ok()?)?;
            accepts(schema, *branch, input, items_left)?;
        }
        Kind::Record(record) => {
            for field in &record.fields {
                accepts(schema, field.schema, input, items_left)?;
            }
        }
    }
    Some(())
}

fn items_of(
    input: &mut &[u8],
    items_left: &mut usize,
    item: impl Fn(&mut &[u8], &mut usize) -> Option<()>,
) -> Option<()> {
    loop {
        let count = read(input, 64)?;
        let size = if count < 0 { Some(usize::try_from(read(input, 64)?).ok()?) } else { None };
        if count == 0 {
            return Some(());
        }
        let before = input.len();
        for _ in 0..count.unsigned_abs() {
            *items_left = items_left.checked_sub(1)?;
            item(input, items_left)?;
        }
        if size.is_some_and(|size| size != before - input.len()) {
            return None;
        }
    }
}

fn key(input: &mut &[u8]) -> Option<()> {
    let length = usize::try_from(read(input, 64)?).ok()?;
    String::from_utf8(take(input, length)?.to_vec()).ok().map(drop)
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

fn read(input: &mut &[u8], bits: u32) -> Option<i64> {
    let mut value = 0_u128;
    for index in 0..bits.div_ceil(7) {
        let byte = take(input, 1)?[0];
        value += u128::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = i128::try_from(value).ok().filter(|value| value >> bits == 0)?;
            return i64::try_from(if value % 2 == 0 { value / 2 } else { -(value + 1) / 2 }).ok();
        }
    }
    None
}

#[test]
fn generated_schemas_use_every_type_and_recursion() {
    let mut seen = std::collections::BTreeMap::new();
    let mut state = 1_u64;
    for _ in 0..2_000 {
        let shape: Vec<u8> = (0..120)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        let schema = schema(&mut Choices(&shape));
        let mut kinds: Vec<String> = schema.nodes.iter().map(|node| variant(&node.kind)).collect();
        let recursive = schema.nodes.iter().enumerate().any(|(id, node)| match &node.kind {
            Kind::Array(part) | Kind::Map(part) => is_ancestor(&schema, *part, id),
            Kind::Union(branches) => branches.iter().any(|part| is_ancestor(&schema, *part, id)),
            _ => false,
        });
        if recursive {
            kinds.push("recursion".to_owned());
        }
        kinds.sort();
        kinds.dedup();
        kinds.into_iter().for_each(|kind| *seen.entry(kind).or_insert(0) += 1);
    }
    assert_eq!(seen.len(), 15, "{seen:?}");
    assert!(seen.values().all(|&cases| cases >= 20), "fewer than 1 % of the schemas: {seen:?}");
}

fn variant(kind: &Kind) -> String {
    format!("{kind:?}").split(['(', ' ']).next().unwrap_or_default().to_owned()
}

/// Whether `id` is somewhere inside the record `ancestor`.
fn is_ancestor(schema: &AvroSchema, ancestor: NodeId, id: usize) -> bool {
    let mut seen = vec![false; schema.nodes.len()];
    let mut todo = vec![ancestor.0 as usize];
    while let Some(next) = todo.pop() {
        if next == id {
            return true;
        }
        if !std::mem::replace(&mut seen[next], true) {
            match &schema.nodes[next].kind {
                Kind::Array(part) | Kind::Map(part) => todo.push(part.0 as usize),
                Kind::Union(branches) => todo.extend(branches.iter().map(|part| part.0 as usize)),
                Kind::Record(record) => {
                    todo.extend(record.fields.iter().map(|field| field.schema.0 as usize))
                }
                _ => {}
            }
        }
    }
    false
}
