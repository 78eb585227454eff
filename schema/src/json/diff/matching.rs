//! The largest set of pairs in which nobody occurs twice (Hopcroft and Karp 1973).

use std::collections::VecDeque;

/// `edges[left]` lists the right sides that a left side may be paired with. Returns for each left side its partner.
/// Takes time of edges times the root of the number of sides.
pub(super) fn maximum(edges: &[Vec<usize>], rights: usize) -> Vec<Option<usize>> {
    let mut search = Search {
        edges,
        partner_of_left: vec![None; edges.len()],
        partner_of_right: vec![None; rights],
        level: vec![usize::MAX; edges.len()],
        next_edge: vec![0; edges.len()],
    };
    while search.layer() {
        for left in 0..edges.len() {
            if search.partner_of_left.get(left) == Some(&None) {
                search.augment(left);
            }
        }
    }
    search.partner_of_left
}

struct Search<'e> {
    edges: &'e [Vec<usize>],
    partner_of_left: Vec<Option<usize>>,
    partner_of_right: Vec<Option<usize>>,
    /// How many exchanges away from a free left side; the maximum if it cannot be reached.
    level: Vec<usize>,
    next_edge: Vec<usize>,
}

impl Search<'_> {
    /// Numbers the left sides by their distance from a free one; whether a free right side can be reached.
    fn layer(&mut self) -> bool {
        let mut queue = VecDeque::new();
        for (left, partner) in self.partner_of_left.iter().enumerate() {
            let is_free = partner.is_none();
            if let Some(level) = self.level.get_mut(left) {
                *level = if is_free { 0 } else { usize::MAX };
            }
            if is_free {
                queue.push_back(left);
            }
        }
        self.next_edge.fill(0);
        let mut reaches_free = false;
        while let Some(left) = queue.pop_front() {
            let next = self.level.get(left).map_or(usize::MAX, |level| level.saturating_add(1));
            for right in self.edges.get(left).into_iter().flatten() {
                match self.partner_of_right.get(*right).copied().flatten() {
                    None => reaches_free = true,
                    Some(other) => {
                        if let Some(level) = self.level.get_mut(other).filter(|level| **level == usize::MAX) {
                            *level = next;
                            queue.push_back(other);
                        }
                    }
                }
            }
        }
        reaches_free
    }

    /// Looks for a chain of exchanges that gives this left side a partner, and makes them.
    fn augment(&mut self, start: usize) {
        // Left sides on the way, each with the right side through which it goes on.
        let mut chain: Vec<(usize, usize)> = Vec::new();
        let mut left = start;
        loop {
            let position = self.next_edge.get(left).copied().unwrap_or(usize::MAX);
            let Some(right) = self.edges.get(left).and_then(|edges| edges.get(position)).copied() else {
                // A dead end: this side is of no use in this round.
                if let Some(level) = self.level.get_mut(left) {
                    *level = usize::MAX;
                }
                match chain.pop() {
                    None => return,
                    Some((before, _)) => left = before,
                }
                continue;
            };
            if let Some(next) = self.next_edge.get_mut(left) {
                *next += 1;
            }
            match self.partner_of_right.get(right).copied().flatten() {
                None => {
                    chain.push((left, right));
                    for (left, right) in chain {
                        if let (Some(of_left), Some(of_right)) =
                            (self.partner_of_left.get_mut(left), self.partner_of_right.get_mut(right))
                        {
                            (*of_left, *of_right) = (Some(right), Some(left));
                        }
                    }
                    return;
                }
                Some(other) => {
                    let level = |left: usize| self.level.get(left).copied().unwrap_or(usize::MAX);
                    if level(left) != usize::MAX && level(other) == level(left).saturating_add(1) {
                        chain.push((left, right));
                        left = other;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(edges: &[Vec<usize>], rights: usize) -> usize {
        let partners = maximum(edges, rights);
        let mut taken = vec![false; rights];
        for (left, partner) in partners.iter().enumerate() {
            if let Some(right) = partner {
                assert!(edges[left].contains(right));
                assert!(!std::mem::replace(&mut taken[*right], true), "taken twice");
            }
        }
        partners.iter().flatten().count()
    }

    #[test]
    fn the_largest_matching_is_found_where_greed_is_not_enough() {
        assert_eq!(size(&[vec![0, 1], vec![0]], 2), 2);
        assert_eq!(size(&[vec![0, 1], vec![0, 2], vec![1], vec![2]], 3), 3);
        assert_eq!(size(&[vec![], vec![0]], 1), 1);
        assert_eq!(size(&[], 3), 0);
        assert_eq!(size(&[vec![0], vec![0], vec![0]], 1), 1);
        // Each prefers what the one before needs.
        let chain: Vec<Vec<usize>> = (0..1_000).map(|n: usize| vec![n.saturating_sub(1), n]).rev().collect();
        assert_eq!(size(&chain, 1_000), 1_000);
    }

    proptest::proptest! {
        #[test]
        fn no_other_matching_is_larger(bits in 0_u32..1 << 16) {
            let edges: Vec<Vec<usize>> =
                (0..4).map(|left| (0..4).filter(|right| bits >> (left * 4 + right) & 1 == 1).collect()).collect();
            // All ways to give each left side a right side or none.
            let best = (0..5_usize.pow(4)).filter_map(|way| {
                let mut taken = [false; 4];
                let mut count = 0;
                for (left, edges) in edges.iter().enumerate() {
                    let right = way / 5_usize.pow(left as u32) % 5;
                    if right < 4 {
                        if !edges.contains(&right) || std::mem::replace(&mut taken[right], true) {
                            return None;
                        }
                        count += 1;
                    }
                }
                Some(count)
            });
            proptest::prop_assert_eq!(size(&edges, 4), best.max().unwrap_or(0));
        }
    }
}
