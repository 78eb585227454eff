//! What one batch may cost (broker validation spec §11.3–11.4, §23).

/// When the CRC-32C of a batch is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VerifyCrc {
    /// Only when the batch is about to be refused: the broker checks it anyway, and a client repeats a batch that was
    /// damaged on the way (CORRUPT_MESSAGE) but never one that is called invalid.
    #[default]
    OnFailure,
    /// Before anything else.
    Always,
    /// Never: a batch is refused whatever its checksum.
    Never,
}

/// Bounds on one batch and on the report about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Most bytes a batch may decompress to. `None` (default): 16 times the compressed block, at least 1 MiB, at most
    /// 128 MiB.
    pub decompressed_bytes: Option<u64>,
    /// When checksums are computed. Default [`VerifyCrc::OnFailure`].
    pub verify_crc: VerifyCrc,
    /// Most identifiers in one [`NeedLookup`](super::Outcome::NeedLookup). Default 1,000. With more in the batch, the
    /// rest is asked for by the next call.
    pub lookups: usize,
    /// Most record errors in a report. Default 100.
    pub record_errors: usize,
    /// Most bytes of text in a report, the batch message included. Default 8 KiB.
    pub report_bytes: usize,
    /// Bounds on decoding one payload at level `payload`.
    pub payload: muster_schema::Limits,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            decompressed_bytes: None,
            verify_crc: VerifyCrc::default(),
            lookups: 1_000,
            record_errors: 100,
            report_bytes: 8 << 10,
            payload: muster_schema::Limits::default(),
        }
    }
}

impl BatchLimits {
    /// The cap on decompressed bytes for a block of `compressed` bytes.
    pub(super) fn decompressed_cap(&self, compressed: usize) -> u64 {
        const RATIO: u64 = 16;
        const LEAST: u64 = 1 << 20;
        const MOST: u64 = 128 << 20;
        let by_ratio = u64::try_from(compressed).unwrap_or(MOST).saturating_mul(RATIO).clamp(LEAST, MOST);
        self.decompressed_bytes.unwrap_or(by_ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_follows_the_compressed_size() {
        let by_ratio = BatchLimits::default();
        for (compressed, cap) in [(0, 1 << 20), (65_536, 1 << 20), (65_537, 1_048_592), (1 << 30, 128 << 20)]
        {
            assert_eq!(by_ratio.decompressed_cap(compressed), cap, "{compressed}");
        }
        let explicit = BatchLimits { decompressed_bytes: Some(10), ..by_ratio };
        assert_eq!(explicit.decompressed_cap(1 << 30), 10);
    }
}
