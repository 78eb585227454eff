//! Reading that makes no value of its own: skipping, choosing, widening.

use crate::avro::error::CodecError;
use crate::avro::input::Input;
use crate::avro::plan::{Action, EnumNode, Node, NodeId, Number, Plan, Step, Symbol};

/// Passes over one value without making it.
pub(in crate::avro) fn skip(plan: &Plan, id: NodeId, input: &mut Input<'_>) -> Result<(), CodecError> {
    match plan.get(id) {
        Node::Null => input.spend(1)?,
        Node::Boolean => {
            input.boolean()?;
        }
        Node::Int(_) | Node::Promoted { from: Number::Int, .. } => {
            input.int()?;
        }
        Node::Long(_) | Node::Promoted { from: Number::Long, .. } => {
            input.long()?;
        }
        Node::Float | Node::Promoted { from: Number::Float | Number::Double, .. } => {
            input.take(4)?;
        }
        Node::Double => {
            input.take(8)?;
        }
        Node::Bytes(_) | Node::String(_) | Node::StringAsBytes(_) | Node::BytesAsString(_) => {
            input.bytes()?;
        }
        Node::RawBytes(_) | Node::RawBytesAsString(_) => {
            input.take(input.remaining())?;
        }
        Node::Fixed { size, .. } => {
            input.spend(usize::from(*size == 0))?;
            input.take(*size)?;
        }
        Node::Enum(node) => {
            input.choice(node.symbols.len(), "symbol")?;
        }
        Node::Array { item, occupies } => {
            input.enter()?;
            loop {
                let count = input.block_to_skip(*occupies)?;
                if count == 0 {
                    break;
                }
                for _ in 0..count {
                    skip(plan, *item, input)?;
                }
            }
            input.leave();
        }
        Node::Map { value } => {
            input.enter()?;
            loop {
                let count = input.block_to_skip(true)?;
                if count == 0 {
                    break;
                }
                for _ in 0..count {
                    input.bytes()?;
                    skip(plan, *value, input)?;
                }
            }
            input.leave();
        }
        Node::Record(record) => {
            input.enter()?;
            input.spend(1)?;
            for step in &record.steps {
                skip_step(plan, step, input)?;
            }
            input.leave();
        }
        Node::Switch(branches) => {
            let branch = branch(branches, input)?;
            skip(plan, branch, input)?;
        }
        Node::Tagged { inner, .. } => skip(plan, *inner, input)?,
        Node::Fail(why) => return Err(CodecError::resolution(&**why)),
    }
    Ok(())
}

pub(super) fn skip_step(plan: &Plan, step: &Step, input: &mut Input<'_>) -> Result<(), CodecError> {
    match &step.action {
        Action::Read(node) | Action::Skip(node) => skip(plan, *node, input),
        Action::Default(..) => Ok(()),
    }
}

/// Reads the branch of a union in the bytes.
pub(in crate::avro) fn branch(branches: &[NodeId], input: &mut Input<'_>) -> Result<NodeId, CodecError> {
    let position = input.choice(branches.len(), "branch")?;
    branches.get(position).copied().ok_or_else(CodecError::cut)
}

/// Reads a symbol: its position and text for the reader.
pub(in crate::avro) fn symbol<'a>(
    node: &'a EnumNode,
    input: &mut Input<'_>,
) -> Result<&'a Symbol, CodecError> {
    let position = input.choice(node.symbols.len(), "symbol")?;
    match node.symbols.get(position) {
        Some(Some(symbol)) => Ok(symbol),
        _ => {
            Err(CodecError::resolution(format!("the reader's enum lacks symbol {position} of the writer's")))
        }
    }
}

/// A promoted number.
pub(in crate::avro) enum Wider {
    Long(i64),
    Float(f32),
    Double(f64),
}

/// Reads `from` and widens it to `to`; floating-point targets round to the nearest, as Java does.
pub(in crate::avro) fn promote(from: Number, to: Number, input: &mut Input<'_>) -> Result<Wider, CodecError> {
    Ok(match (from, to) {
        (Number::Float, _) => Wider::Double(f64::from(input.float()?)),
        (Number::Int, Number::Double) => Wider::Double(f64::from(input.int()?)),
        (Number::Int, Number::Float) => Wider::Float(input.int()? as f32),
        (Number::Int, _) => Wider::Long(i64::from(input.int()?)),
        (_, Number::Float) => Wider::Float(input.long()? as f32),
        (_, Number::Double) => Wider::Double(input.long()? as f64),
        (_, _) => Wider::Long(input.long()?),
    })
}
