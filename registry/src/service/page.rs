//! Paging of listings (registry API spec §1.4).

use super::error::ServiceError;
use crate::options::SearchLimit;

/// The part of a listing that a client wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many entries to leave out at the start. Negative is an error.
    pub offset: i32,
    /// The most entries to give; 0, negative and over-large values mean the default.
    pub limit: i32,
}

impl Page {
    /// Cuts the page out of `entries`.
    pub(super) fn of<T>(self, mut entries: Vec<T>, bounds: SearchLimit) -> Result<Vec<T>, ServiceError> {
        let (offset, limit) = self.within(bounds)?;
        entries.drain(..offset.min(entries.len()));
        entries.truncate(limit);
        Ok(entries)
    }

    /// How many entries to leave out at the start, and the most to give.
    pub(super) fn within(self, bounds: SearchLimit) -> Result<(usize, usize), ServiceError> {
        let offset = usize::try_from(self.offset).map_err(|_| ServiceError::NegativeOffset)?;
        let limit = if (1..=bounds.max).contains(&self.limit) { self.limit } else { bounds.default };
        Ok((offset, usize::try_from(limit).unwrap_or(usize::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_out_of_range_is_the_default_and_not_the_maximum() {
        let cases = [
            (0, -1, 5, Some(vec![1, 2, 3])),
            (0, 5, 5, Some(vec![1, 2, 3, 4, 5])),
            (1, 2, 5, Some(vec![2, 3])),
            (9, 2, 5, Some(vec![])),
            (0, 0, 3, Some(vec![1, 2, 3])),
            (0, 4, 3, Some(vec![1, 2, 3])),
            (-1, -1, 5, None),
        ];
        for (offset, limit, max, expected) in cases {
            let bounds = SearchLimit { default: 3.min(max), max };
            let page = Page { offset, limit }.of(vec![1, 2, 3, 4, 5], bounds).ok();
            assert_eq!(page, expected, "{offset} {limit} {max}");
        }
    }
}
