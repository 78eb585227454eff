//! JSON schemas made of choices, and the fuzz targets of the language.

pub mod generate;
pub mod targets;
