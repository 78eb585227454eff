//! The REST API: one resource is one file; the router is a flat list; errors are one table.
//!
//! A request passes, in this order: `front` (kept answers, request id, refused targets, panics, compression),
//! `rewrite` (context prefix and aliases), `router` (media types, then a handler), and back. Source: registry API
//! spec §1.

mod accept;
mod admission;
mod association_entities;
mod associations;
mod body;
mod compatibility;
mod config;
mod contexts;
mod cors;
mod description;
mod entities;
mod error;
pub(crate) mod front;
mod guids;
mod health;
mod ids;
mod kept;
mod lenient;
mod mode;
mod params;
mod refused;
mod reply;
mod request_id;
mod requests;
mod rewrite;
mod root;
mod router;
mod schemas;
pub(crate) mod serve;
mod subjects;
mod target;
mod versions;

pub use description::openapi;
