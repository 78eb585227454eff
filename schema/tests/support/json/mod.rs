//! Random JSON schemas, and the fuzz targets of the language.

pub mod schemas;
pub mod targets;
