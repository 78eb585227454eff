//! Reading associations.

use muster_schema::Guid;
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row as _};

use super::database;
use super::readers::Readers;
use super::rows::{self, damaged};
use crate::store::{Association, AssociationSelection, Resource, StoreError};

/// The columns that [`association`] reads, and where they come from.
macro_rules! associations {
    () => {
        "SELECT a.guid, a.resource_id, a.resource_type, a.resource_namespace, a.resource_name,
             a.association_type, c.name, s.name, a.lifecycle, a.frozen, a.created_ms, a.updated_ms
         FROM associations a CROSS JOIN subjects s ON s.subject_id = a.subject_id
             CROSS JOIN contexts c ON c.context_id = s.context_id "
    };
}

/// All associations with the resource `?1`.
pub(super) const OF_RESOURCE_ID: &str = concat!(associations!(), "WHERE a.resource_id = ?1");
pub(super) const ALL: &str = associations!();
/// Those of the subject with number `?1`, other than with the resource `?2`.
pub(super) const OF_SUBJECT_ID: &str =
    concat!(associations!(), "WHERE a.subject_id = ?1 AND a.resource_id <> ?2");
const OF_SUBJECT: &str = concat!(
    associations!(),
    "WHERE a.subject_id = (SELECT s.subject_id FROM contexts c CROSS JOIN subjects s
                               ON s.context_id = c.context_id AND s.name = ?2 WHERE c.name = ?1)"
);
const OF_RESOURCE_NAME: &str = concat!(
    associations!(),
    "WHERE (?1 IS NULL OR a.resource_namespace = ?1) AND (?2 IS NULL OR a.resource_name = ?2)"
);

pub(super) async fn associations(
    readers: &Readers,
    wanted: &AssociationSelection,
) -> Result<Vec<Association>, StoreError> {
    let query = match wanted {
        AssociationSelection::All => sqlx::query(ALL),
        AssociationSelection::Subject(subject) => {
            sqlx::query(OF_SUBJECT).bind(subject.context().as_str()).bind(subject.name())
        }
        AssociationSelection::ResourceId(id) => sqlx::query(OF_RESOURCE_ID).bind(id.as_str()),
        AssociationSelection::ResourceName { namespace, name } => {
            sqlx::query(OF_RESOURCE_NAME).bind(namespace.as_deref()).bind(name.as_deref())
        }
    };
    let rows = super::read::fetch(readers, query).await?;
    let mut found = rows.iter().map(association).collect::<Result<Vec<_>, _>>().map_err(database)?;
    found.sort_by(Association::listing_order);
    Ok(found)
}

/// One row of [`associations!`].
pub(super) fn association(row: &SqliteRow) -> Result<Association, Error> {
    let guid: &[u8] = row.try_get(0)?;
    let (association_type, lifecycle): (&str, &str) = (row.try_get(5)?, row.try_get(8)?);
    Ok(Association {
        guid: guid.try_into().map(Guid).map_err(|_| damaged("a guid is not 16 bytes"))?,
        resource: Resource {
            id: row.try_get(1)?,
            kind: row.try_get(2)?,
            namespace: row.try_get(3)?,
            name: row.try_get(4)?,
        },
        association_type: association_type.parse().map_err(damaged)?,
        subject: rows::subject(row.try_get(6)?, row.try_get(7)?),
        lifecycle: lifecycle.parse().map_err(damaged)?,
        frozen: row.try_get(9)?,
        created_ms: row.try_get(10)?,
        updated_ms: row.try_get(11)?,
    })
}
