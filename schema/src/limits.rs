//! Bounds on what a stranger's bytes may cost.

/// Every bound that parsing and validating obey. Exceeding one is an ordinary error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest schema text accepted, in bytes. Default 1 MiB (Kafka's default record size, which bounds the reference).
    pub schema_bytes: usize,
    /// Deepest nesting of JSON text, of schema types and of validated data. Default 500: deep enough for any schema
    /// written by people, shallow enough for a 128 KiB stack wherever recursion is used.
    pub depth: usize,
    /// Most nodes (types, fields, symbols) in one schema with its references. Default 200,000.
    pub nodes: usize,
    /// Most schemas in the closure of references. Default 1,000.
    pub references: usize,
    /// Most pairs of types, fields and symbols visited while two schemas are compared, and most steps to resolve the
    /// names of one text or to check one default. Default 2,000,000.
    pub pairs: usize,
    /// Most bytes of text in the differences that are listed for two schemas. Default 8 MiB: the longest list of
    /// distinct findings that a schema of 1 MiB can cause in practice.
    pub difference_bytes: usize,
    /// Most bytes of a datum that shows an incompatibility, as text and encoded. Default 64 KiB.
    pub witness_bytes: usize,
    /// Most items (array and map entries, at any depth) in one datum. Default 10,000,000.
    pub items: usize,
    /// Most steps of holding one JSON datum against a schema, each about a look-up; counted only where a recursive
    /// schema or a large one and a large datum could multiply. Default 2,000,000: some 0.2 seconds, and several times
    /// what 1 MiB of data takes against a schema of 500 keywords without patterns that multiply.
    pub validation_steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            schema_bytes: 1 << 20,
            depth: 500,
            nodes: 200_000,
            references: 1_000,
            pairs: 2_000_000,
            difference_bytes: 8 << 20,
            witness_bytes: 64 << 10,
            items: 10_000_000,
            validation_steps: 2_000_000,
        }
    }
}
