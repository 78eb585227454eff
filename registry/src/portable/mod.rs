//! Moving a whole registry in and out, in the words of the reference's own log (registry API spec §14).
//!
//! - [`Record`]: one record of the log, from and to JSON.
//! - [`Replay`]: what a registry remembers after a sequence of records.
//! - [`write()`] and [`read()`]: a file with one record per line; [`write_log()`]: the same for a topic.
//! - [`copy()`]: a running registry, asked over REST.
//!
//! A [`Snapshot`](crate::store::Snapshot) is what goes in and comes out;
//! [`store::archive`](crate::store::archive) takes it from a store and puts it into one.

mod copy;
mod digest;
mod file;
mod order;
mod record;
mod replay;

pub use copy::{Answer, CopyError, Source, copy};
pub use file::{ReadError, read, write, write_log};
pub use record::{AssociationKey, Record, SchemaValue, Undecodable};
pub use replay::{Override, Replay, Summary, Trouble};
