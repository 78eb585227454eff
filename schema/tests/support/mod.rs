//! What tests, fuzz targets and benches share: schemas made of random choices, values with a plain codec, and a reader
//! that follows the specification word by word.
//!
//! Included by path, so each user takes what it needs.
#![allow(dead_code, reason = "each target uses a part")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a helper that fails fails its test")]

pub mod evolve;
pub mod fuzz;
pub mod generate;
pub mod histogram;
#[cfg(feature = "json")]
pub mod json;
pub mod mutate;
#[cfg(feature = "protobuf")]
pub mod protobuf;
pub mod resolve;
pub mod values;

/// Choices taken from a string of bytes; when it is used up every choice is the first one, so everything ends.
#[derive(Clone)]
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `count`, which is at least 1.
    pub fn below(&mut self, count: usize) -> usize {
        let wide = if count > 200 { usize::from(self.byte()) << 8 } else { 0 };
        (wide | usize::from(self.byte())) % count
    }

    pub fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> &'t T {
        list[self.below(list.len())]
    }

    /// True once in so many times, but never when choices are used up.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// An integer of any width.
    pub fn number(&mut self) -> i64 {
        let width = self.below(9);
        (0..width).fold(0, |number, _| number << 8 | i64::from(self.byte())) ^ -i64::from(self.byte() & 1)
    }

    /// The next so many bytes, or what is left of them, as choices of their own.
    pub fn split_off(&mut self, count: usize) -> Self {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        Self(taken)
    }
}
