//! Keywords of arrays.

use super::kind::DifferenceKind::*;
use super::objects::{Content, additional};
use super::plan::{At, Entry, Segment, What};
use super::scalars::{Four, difference, limit};
use super::walk::Walk;
use crate::json::model::{ArrayNode, Kind, NodeId};

impl<'s> Walk<'s> {
    pub(super) fn arrays(
        &self,
        lines: &mut Vec<Entry<'s>>,
        (writer_at, writer): (At, &'s ArrayNode),
        (reader_at, reader): (At, &'s ArrayNode),
    ) {
        const MAX: Four = [MaxItemsAdded, MaxItemsRemoved, MaxItemsIncreased, MaxItemsDecreased];
        const MIN: Four = [MinItemsAdded, MinItemsRemoved, MinItemsIncreased, MinItemsDecreased];
        const MAX_CONTAINS: Four =
            [MaxContainsAdded, MaxContainsRemoved, MaxContainsIncreased, MaxContainsDecreased];
        const MIN_CONTAINS: Four =
            [MinContainsAdded, MinContainsRemoved, MinContainsIncreased, MinContainsDecreased];
        let (old, new) =
            (writer.items.map(|id| writer_at.child(id)), reader.items.map(|id| reader_at.child(id)));
        let segment = Segment::Keyword("items");
        match (old, new) {
            (None, None) => {}
            (None, Some(_)) => lines.push(difference(segment, SchemaAdded)),
            (Some(_), None) => lines.push(difference(segment, SchemaRemoved)),
            (Some(old), Some(new)) => lines.push(Entry { segment, what: What::Compare((old, new)) }),
        }
        self.tuples(lines, (writer_at, writer), (reader_at, reader));
        let kinds =
            [AdditionalItemsAdded, AdditionalItemsRemoved, AdditionalItemsExtended, AdditionalItemsNarrowed];
        let (old, new) = ((writer_at, writer.additional), (reader_at, reader.additional));
        additional(lines, "additionalItems", old, new, kinds);
        let kinds = [
            UnevaluatedItemsAdded,
            UnevaluatedItemsRemoved,
            UnevaluatedItemsExtended,
            UnevaluatedItemsNarrowed,
        ];
        let old = writer.unevaluated.map(|id| writer_at.child(id));
        let new = reader.unevaluated.map(|id| reader_at.child(id));
        self.unevaluated(lines, "unevaluatedItems", old, new, kinds);
        limit(lines, "maxItems", writer.max_items, reader.max_items, MAX);
        limit(lines, "minItems", writer.min_items, reader.min_items, MIN);
        match (writer.unique_items, reader.unique_items) {
            (false, true) => lines.push(difference(Segment::Keyword("uniqueItems"), UniqueItemsAdded)),
            (true, false) => lines.push(difference(Segment::Keyword("uniqueItems"), UniqueItemsRemoved)),
            _ => {}
        }
        limit(lines, "maxContains", writer.max_contains, reader.max_contains, MAX_CONTAINS);
        limit(lines, "minContains", writer.min_contains, reader.min_contains, MIN_CONTAINS);
    }

    fn tuples(
        &self,
        lines: &mut Vec<Entry<'s>>,
        (writer_at, writer): (At, &'s ArrayNode),
        (reader_at, reader): (At, &'s ArrayNode),
    ) {
        let (old, new) =
            (writer.tuple.as_deref().unwrap_or_default(), reader.tuple.as_deref().unwrap_or_default());
        let item = |at: At, tuple: &[NodeId], n: usize| tuple.get(n).map(|id| at.child(*id));
        for n in 0..old.len().max(new.len()) {
            let segment = Segment::Index("items", n);
            let what = match (item(writer_at, old, n), item(reader_at, new, n)) {
                (None, None) => continue,
                (Some(old), Some(new)) => What::Compare((old, new)),
                (Some(old), None) => match self.array_content(reader_at, reader) {
                    Content::Open => What::Differs(ItemRemovedFromOpenContentModel),
                    Content::Covered(by) => What::Covered(
                        (old, by),
                        ItemRemovedIsCoveredByPartiallyOpenContentModel,
                        ItemRemovedNotCoveredByPartiallyOpenContentModel,
                    ),
                    Content::Closed if matches!(self.kind(old), Kind::False) => {
                        What::Differs(ItemWithFalseRemovedFromClosedContentModel)
                    }
                    Content::Closed => What::Differs(ItemRemovedFromClosedContentModel),
                },
                (None, Some(new)) => match self.array_content(writer_at, writer) {
                    Content::Open if matches!(self.kind(new), Kind::Empty | Kind::True) => {
                        What::Differs(ItemWithEmptySchemaAddedToOpenContentModel)
                    }
                    Content::Open => What::Differs(ItemAddedToOpenContentModel),
                    Content::Covered(by) => What::Covered(
                        (by, new),
                        ItemAddedIsCoveredByPartiallyOpenContentModel,
                        ItemAddedNotCoveredByPartiallyOpenContentModel,
                    ),
                    Content::Closed => What::Differs(ItemAddedToClosedContentModel),
                },
            };
            lines.push(Entry { segment, what });
        }
    }

    fn array_content(&self, at: At, node: &ArrayNode) -> Content {
        self.content(at, node.additional, node.unevaluated.map(|id| at.child(id)))
    }
}
