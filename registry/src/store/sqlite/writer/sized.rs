//! Statements over many rows at once.
//!
//! Each statement costs a trip to SQLite's thread, and each text is prepared once per connection. So rows go in
//! groups of a few fixed sizes: few trips, and few texts.

use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Error, Sqlite, Type};

/// Group sizes, largest first. The last is one, so that every number of rows is a sum of them.
const SIZES: [usize; 5] = [16, 8, 4, 2, 1];

/// One statement (or several in a row) for each group size.
pub(super) struct Sized([Arc<str>; SIZES.len()]);

impl Sized {
    /// `text` writes the statement for a number of rows, with a `?` for each value.
    pub(super) fn new(text: impl Fn(usize) -> String) -> Self {
        Self(SIZES.map(|size| text(size).into()))
    }

    /// Splits `rows` into groups, each with the statement for its size.
    pub(super) fn groups<'r, T>(
        &self,
        mut rows: &'r [T],
    ) -> impl Iterator<Item = (AssertSqlSafe<Arc<str>>, &'r [T])> {
        let statements = SIZES.into_iter().zip(&self.0);
        statements.flat_map(move |(size, text)| {
            let mut groups = Vec::new();
            while let Some((group, rest)) = rows.split_at_checked(size) {
                groups.push((AssertSqlSafe(Arc::clone(text)), group));
                rows = rest;
            }
            groups
        })
    }
}

/// A `VALUES` list of `rows` rows of `columns` parameters each.
pub(super) fn values(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("VALUES {}", vec![row; rows].join(", "))
}

/// The same with the number of the row as first value.
pub(super) fn numbered_values(rows: usize, columns: usize) -> String {
    let parameters = ", ?".repeat(columns);
    let rows: Vec<String> = (0..rows).map(|number| format!("({number}{parameters})")).collect();
    format!("VALUES {}", rows.join(", "))
}

/// Adds the value of the next parameter.
pub(super) fn bind<'t>(
    arguments: &mut SqliteArguments,
    value: impl Encode<'t, Sqlite> + Type<Sqlite>,
) -> Result<(), Error> {
    arguments.add(value).map_err(Error::Encode)
}

/// The values of a statement, in the order of its parameters.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => {{
        let mut arguments = sqlx::sqlite::SqliteArguments::default();
        $($crate::store::sqlite::writer::sized::bind(&mut arguments, $value)?;)*
        arguments
    }};
}
pub(super) use arguments;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_hold_every_row_once_in_order() {
        let sized = Sized::new(|rows| rows.to_string());
        for count in [0, 1, 2, 3, 15, 16, 17, 31, 256] {
            let rows: Vec<usize> = (0..count).collect();
            let groups: Vec<_> = sized.groups(&rows).collect();
            assert!(groups.iter().all(|(text, group)| *text.0 == group.len().to_string()), "{count}");
            assert_eq!(groups.iter().flat_map(|(_, group)| *group).copied().collect::<Vec<_>>(), rows);
        }
    }

    #[test]
    fn values_are_listed() {
        assert_eq!(values(2, 3), "VALUES (?, ?, ?), (?, ?, ?)");
        assert_eq!(numbered_values(2, 1), "VALUES (0, ?), (1, ?)");
    }
}
