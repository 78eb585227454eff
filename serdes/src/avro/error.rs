//! What can go wrong inside the codec.

use std::fmt;

/// Why a value cannot be encoded, or a body cannot be decoded. Small, so that results stay cheap.
#[derive(Debug)]
pub(super) struct CodecError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    fault: Fault,
    detail: String,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are no datum of the writer schema.
    Malformed,
    /// Reader and writer schema do not get along.
    Resolution,
    /// The Rust value or type does not fit the schema.
    Mismatch,
}

impl CodecError {
    #[cold]
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { fault: Fault::Malformed, detail: detail.into() }))
    }

    /// The bytes end inside a value.
    #[cold]
    pub(super) fn cut() -> Self {
        Self::malformed("bytes end inside a value")
    }

    #[cold]
    pub(super) fn resolution(detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { fault: Fault::Resolution, detail: detail.into() }))
    }

    #[cold]
    pub(super) fn mismatch(detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { fault: Fault::Mismatch, detail: detail.into() }))
    }

    pub(super) fn fault(&self) -> Fault {
        self.0.fault
    }

    pub(super) fn into_detail(self) -> String {
        self.0.detail
    }

    /// Says where: called by each level on the way out.
    #[cold]
    pub(super) fn within(mut self, field: &str) -> Self {
        // A path of a hundred levels helps nobody.
        if self.0.detail.len() < 1000 {
            self.0.detail = format!("{field}: {}", self.0.detail);
        }
        self
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for CodecError {}

impl serde::ser::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::mismatch(message.to_string())
    }
}

impl serde::de::Error for CodecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::mismatch(message.to_string())
    }
}
