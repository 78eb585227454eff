//! The four APIs that carry topic settings: CreateTopics 2–7, DescribeConfigs 1–4, AlterConfigs 0–2 and
//! IncrementalAlterConfigs 0–1 (broker validation spec §17.4).
//!
//! All four ask about a list of resources, each with a list of settings, and answer one entry per resource. They are
//! read into one shape, [`Request`] and [`Response`], of borrowed slices; what is not changed is written as it came.

mod request;
mod response;

pub use request::{Entry, Kept, Request, Resource};
pub use response::{Answer, DescribedConfig, Response, Synonym, Written};

/// Resource type of a topic.
pub const TOPIC: i8 = 2;

/// Operation of IncrementalAlterConfigs: set the value.
pub const SET: i8 = 0;
/// Operation of IncrementalAlterConfigs: back to the default.
pub const DELETE: i8 = 1;
/// Operation of IncrementalAlterConfigs: add to a list.
pub const APPEND: i8 = 2;
/// Operation of IncrementalAlterConfigs: remove from a list.
pub const SUBTRACT: i8 = 3;
