//! Time as a type.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A span of time, or an instant as a span since the capture's start, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanoseconds(pub u64);

impl Nanoseconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds * 1_000_000)
    }

    /// The span in seconds.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// A span of `seconds`; negative and non-finite values give zero.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1e9).max(0.0) as u64)
    }

    /// The difference, or zero where `other` is later.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Nanoseconds {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Nanoseconds {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl AddAssign for Nanoseconds {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Nanoseconds {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::Nanoseconds;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Nanoseconds(3) - Nanoseconds(5), Nanoseconds::ZERO);
        assert_eq!(Nanoseconds(u64::MAX) + Nanoseconds(1), Nanoseconds(u64::MAX));
        assert_eq!(Nanoseconds::from_seconds(-1.0), Nanoseconds::ZERO);
        assert_eq!(Nanoseconds::from_seconds(1.5).0, 1_500_000_000);
        assert_eq!(Nanoseconds::from_seconds(f64::NAN), Nanoseconds::ZERO);
    }
}
