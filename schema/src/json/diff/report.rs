//! What was found for each pair, and how it is told.

use super::Difference;
use super::kind::DifferenceKind;
use super::plan::Segment;
use crate::compatibility::CompatibilityPolicy;

/// Index of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundId(pub(super) usize);

/// What was found for a pair, with paths that begin there. Findings share those of the pairs below them: written out they
/// could be exponentially many.
#[derive(Debug)]
pub(super) struct Found<'s> {
    pub(super) is_compatible: bool,
    items: Vec<Item<'s>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'s> {
    segment: Segment<'s>,
    what: Told,
}

#[derive(Clone, Copy, Debug)]
enum Told {
    Kind(DifferenceKind),
    Found(FoundId),
}

impl<'s> Item<'s> {
    pub(super) fn kind(segment: Segment<'s>, kind: DifferenceKind) -> Self {
        Self { segment, what: Told::Kind(kind) }
    }

    pub(super) fn found(segment: Segment<'s>, found: FoundId) -> Self {
        Self { segment, what: Told::Found(found) }
    }
}

impl<'s> Found<'s> {
    pub(super) fn nothing() -> Self {
        Self { is_compatible: true, items: Vec::new() }
    }

    /// `found`: everything that the items may refer to.
    pub(super) fn new(mut items: Vec<Item<'s>>, found: &[Self], policy: CompatibilityPolicy) -> Self {
        let of = |item: &Item<'s>| match item.what {
            Told::Kind(_) => None,
            Told::Found(id) => found.get(id.0),
        };
        // What leads to nothing is left out, so that telling never walks in vain.
        items.retain(|item| of(item).is_none_or(|found| !found.items.is_empty()));
        let is_compatible = items.iter().all(|item| match item.what {
            Told::Kind(kind) => kind.is_compatible(policy),
            Told::Found(id) => found.get(id.0).is_none_or(|found| found.is_compatible),
        });
        items.shrink_to_fit();
        Self { is_compatible, items }
    }
}

/// Writes out everything below a finding, up to so many bytes.
pub(super) fn list(found: &[Found<'_>], root: FoundId, max_bytes: usize) -> Vec<Difference> {
    let mut listed = Vec::new();
    let mut path = String::from("#/");
    let mut bytes = 0_usize;
    // Findings that are being told: which, how far, and the length of its path.
    let mut open = vec![(root, 0_usize, path.len())];
    while let Some((id, position, length)) = open.last_mut() {
        path.truncate(*length);
        let Some(item) = found.get(id.0).and_then(|found| found.items.get(*position)) else {
            open.pop();
            continue;
        };
        *position += 1;
        push(&mut path, item.segment);
        bytes = bytes.saturating_add(1);
        match item.what {
            Told::Found(inner) => open.push((inner, 0, path.len())),
            Told::Kind(kind) => {
                bytes = bytes.saturating_add(path.len() + size_of::<Difference>());
                if bytes <= max_bytes {
                    listed.push(Difference { kind, path: path.clone() });
                }
            }
        }
        if bytes > max_bytes {
            let message = format!("schemas differ in more ways than fit into {max_bytes} bytes");
            listed.push(Difference::not_comparable(message));
            break;
        }
    }
    listed
}

fn push(path: &mut String, segment: Segment<'_>) {
    let mut step = |text: &str| {
        if path.len() > 2 {
            path.push('/');
        }
        path.push_str(text);
    };
    match segment {
        Segment::Here => {}
        Segment::Keyword(keyword) => step(keyword),
        Segment::Name(keyword, name) => {
            step(keyword);
            path.push('/');
            path.push_str(name);
        }
        Segment::Index(keyword, index) => {
            step(keyword);
            path.push('/');
            path.push_str(&index.to_string());
        }
    }
}
