//! Data that show an incompatibility: a message that the writer's schema allows, and what the reader makes of it.
//!
//! For each finding a few messages are drafted that put something where the difference is. Each is encoded and read back
//! with both schemas, as a parser would that refuses a field with the wrong wire type; it is a witness if the reader
//! fails at that place, does not see the value, or sees another one: two messages without fields come to one entry of a
//! map, and a point in time is no span of time, though both are seconds and nanoseconds.
//!
//! Where none is found the reference is stricter than the encoding. That is so for
//! - a number, bool or enum that was `optional` or `required` and becomes `repeated`, which reads as a list of one;
//! - one that was `required` and becomes `optional`;
//! - a message under another name, or in another place, that has all the fields of the old one;
//! - a package, which is in no record.

mod draft;
mod read;

use crate::compatibility::Witness;
use crate::limits::Limits;
use crate::protobuf::ProtobufSchema;
use crate::protobuf::diff::{
    Difference, DifferenceKind, Finding, Found, MessageRef, Pair, Subject, compare, members,
};

use draft::{Draft, Drafter, Want};
use read::{Fields, read};

/// An incompatible difference, with its witness or the reason why there is none.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The difference.
    pub difference: Difference,
    /// The proof.
    pub witness: Result<Witness, NoWitness>,
}

/// Why an incompatibility has no witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoWitness {
    /// The package is in no record.
    #[error(
        "no record shows it: messages do not hold their package, but record names and the type URLs of \
         google.protobuf.Any do"
    )]
    Package,
    /// The schemas were too large to be compared.
    #[error("the comparison was cut short")]
    Cut,
    /// All that was tried is read as it was written.
    #[error(
        "none was found: what was tried is read as it was written, so the rule may be stricter than need be"
    )]
    NoneFound,
    /// Required fields go round in circles, or the message would be too large.
    #[error("no message could be made")]
    NoMessage,
    /// Too much was looked for already.
    #[error("not looked for, because of all that was looked for before")]
    Exhausted,
}

/// Explains every incompatible difference, in the order of [`diff`](super::diff::diff).
///
/// A witness is at most [`Limits::witness_bytes`] long, and all of them together cost about [`Limits::pairs`] fields.
pub fn explain(reader: &ProtobufSchema, writer: &ProtobufSchema, limits: &Limits) -> Vec<Explained> {
    let Found { found, reader, writer } = compare(reader, writer, limits);
    let mut search = Search { types: Pair { reader, writer }, work_left: limits.pairs, limits };
    let breaking = found.into_iter().filter(|finding| !finding.difference.is_compatible());
    breaking
        .map(|finding| {
            let witness = search.witness(&finding);
            Explained { difference: finding.difference, witness }
        })
        .collect()
}

struct Search<'s, 'l> {
    types: Pair<crate::protobuf::diff::Types<'s>>,
    work_left: usize,
    limits: &'l Limits,
}

/// Samples that are tried for a value.
const VARIANTS: usize = 4;

impl<'s> Search<'s, '_> {
    fn witness(&mut self, finding: &Finding<'s>) -> Result<Witness, NoWitness> {
        match finding.subject {
            Subject::File if finding.difference.kind == DifferenceKind::PackageChanged => {
                Err(NoWitness::Package)
            }
            Subject::File => Err(NoWitness::Cut),
            Subject::Message(Pair { writer: Some(writer), .. }) => {
                let draft = self.draft(writer, &Want::default())?;
                let reason = format!("the reader has no message {}", writer.full_name());
                Ok(Witness { datum: draft.json, bytes: draft.bytes, path: String::new(), reason })
            }
            Subject::Field(messages, number) => self.field(messages, number),
            Subject::Oneof(messages, name) => self.oneof(messages, name),
            Subject::Message(_) | Subject::Enum(_) | Subject::Constant(..) => Err(NoWitness::NoneFound),
        }
    }

    fn field(&mut self, messages: Pair<MessageRef<'s>>, number: i32) -> Result<Witness, NoWitness> {
        // Without the field, as the writer may leave it out; then with this and that in it.
        let without = Want::default();
        let with = (0..VARIANTS).map(|variant| Want { numbers: vec![number], variant });
        self.first(messages, &[number], std::iter::once(without).chain(with))
    }

    /// Puts two fields into a message that the reader has in one oneof.
    fn oneof(&mut self, messages: Pair<MessageRef<'s>>, name: &str) -> Result<Witness, NoWitness> {
        let reader = members(messages.reader.message());
        let writer = members(messages.writer.message());
        self.work_left = self.work_left.saturating_sub(reader.len() + writer.len());
        let mut numbers: Vec<i32> = Vec::new();
        let mut oneofs = Vec::new();
        for (number, member) in &reader {
            let Some(before) = writer.get(number).filter(|_| member.oneof == Some(name)) else { continue };
            match before.oneof {
                Some(oneof) if oneofs.contains(&oneof) => continue,
                Some(oneof) => oneofs.push(oneof),
                None => {}
            }
            numbers.push(*number);
            if numbers.len() == 2 {
                break;
            }
        }
        let lost = numbers.clone();
        self.first(messages, &lost, std::iter::once(Want { numbers, variant: 0 }))
    }

    /// The first message on whose fields, one of `numbers`, the two sides do not agree.
    fn first(
        &mut self,
        messages: Pair<MessageRef<'s>>,
        numbers: &[i32],
        wanted: impl Iterator<Item = Want>,
    ) -> Result<Witness, NoWitness> {
        let mut last = NoWitness::NoneFound;
        for want in wanted {
            match self.draft(messages.writer, &want) {
                Ok(draft) => match self.disagreement(messages, numbers, &draft) {
                    Some((path, reason)) => {
                        return Ok(Witness { datum: draft.json, bytes: draft.bytes, path, reason });
                    }
                    None => last = NoWitness::NoneFound,
                },
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn draft(&mut self, message: MessageRef<'s>, want: &Want) -> Result<Draft, NoWitness> {
        if self.work_left == 0 {
            return Err(NoWitness::Exhausted);
        }
        let mut drafter = Drafter {
            types: &mut self.types.writer,
            work_left: &mut self.work_left,
            bytes_left: self.limits.witness_bytes,
        };
        drafter.message(message, want).ok_or(NoWitness::NoMessage)
    }

    /// Where, and how the reader's view of a message differs from the writer's at one of `numbers`.
    fn disagreement(
        &mut self,
        messages: Pair<MessageRef<'s>>,
        numbers: &[i32],
        draft: &Draft,
    ) -> Option<(String, String)> {
        let work_left = &mut self.work_left;
        let name = messages.writer.full_name();
        let written: Fields = read(&mut self.types.writer, messages.writer, &draft.bytes, work_left).ok()?;
        let reader = members(messages.reader.message());
        let writer = members(messages.writer.message());
        let path = |number: &i32| {
            let member = writer.get(number).filter(|_| written.contains_key(number));
            member.map_or_else(String::new, |member| format!("/{}", member.field.name))
        };
        let seen = match read(&mut self.types.reader, messages.reader, &draft.bytes, work_left) {
            Ok(seen) => seen,
            Err(failure) => {
                let number = failure.numbers.iter().find(|number| numbers.contains(number))?;
                return Some((path(number), format!("in a {name}, {}", failure.reason)));
            }
        };
        let number = numbers.iter().find(|number| written.get(number) != seen.get(number))?;
        let field = |side: &std::collections::BTreeMap<i32, crate::protobuf::diff::Member<'_>>| {
            side.get(number).map_or_else(|| "nothing".to_owned(), |member| member.field.name.clone())
        };
        let value = |fields: &Fields| fields.get(number).map(|values| read::words(values));
        let reason = match (value(&written), value(&seen)) {
            (Some(value), None) if reader.contains_key(number) => {
                format!("the writer's {} is {value}, and the reader sees nothing of it", field(&writer))
            }
            (Some(value), None) => format!(
                "the writer's {} is {value}, and the reader has no field {number}: the value is lost",
                field(&writer)
            ),
            (Some(value), Some(other)) => {
                format!("the writer's {} is {value}, and the reader reads {other}", field(&writer))
            }
            (None, _) => format!("the reader sees a {} that nobody wrote", field(&reader)),
        };
        Some((path(number), format!("in a {name}, {reason}")))
    }
}
