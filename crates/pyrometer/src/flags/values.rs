//! Values with units, as people type them.

use std::str::FromStr;

use pyrometer_model::Nanoseconds;

/// A sampling rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// So many samples a second.
    Hertz(f64),
    /// As many as can be had.
    Max,
}

impl Rate {
    /// The interval between two samples; zero for [`Rate::Max`].
    #[must_use]
    pub fn interval(self) -> Nanoseconds {
        match self {
            Self::Hertz(hertz) => Nanoseconds::from_seconds(1.0 / hertz),
            Self::Max => Nanoseconds::ZERO,
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        if lower == "max" {
            return Ok(Self::Max);
        }
        let (number, factor) = strip_unit(&lower, &[("mhz", 1e6), ("khz", 1e3), ("hz", 1.0), ("k", 1e3)], 1.0);
        match number.parse::<f64>() {
            Ok(value) if value > 0.0 && (0.001..=1e6).contains(&(value * factor)) => Ok(Self::Hertz(value * factor)),
            _ => {
                Err("a rate is a number of samples a second from 0.001 to 1mhz, for example 100, 1khz or 10khz, or max"
                    .into())
            }
        }
    }
}

/// A span of time; none is `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Option<Nanoseconds>);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        if lower == "unlimited" {
            return Ok(Self(None));
        }
        let units = [("ms", 1e-3), ("us", 1e-6), ("min", 60.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (number, factor) = strip_unit(&lower, &units, 1.0);
        match number.parse::<f64>() {
            Ok(value) if value >= 0.0 && value.is_finite() => Ok(Self(Some(Nanoseconds::from_seconds(value * factor)))),
            _ => Err("a time is a number of seconds, or one with a unit: 30, 30s, 5m, 500ms, 1h, or unlimited".into()),
        }
    }
}

/// A share of one core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, factor) = strip_unit(text.trim(), &[("%", 0.01)], 1.0);
        match number.parse::<f64>() {
            Ok(value) if value > 0.0 && value * factor <= 1.0 => Ok(Self(value * factor)),
            _ => Err("a share of one core is written 1%, 0.5% or 0.01, and is more than 0 and at most 100%".into()),
        }
    }
}

/// A process id as people and other tools write it: decimal, or hexadecimal behind `0x`.
///
/// # Errors
/// When it is neither.
pub fn pid(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed
        .ok()
        .filter(|&pid| pid > 0)
        .ok_or_else(|| "a process id is a whole number, for example 4242 or 0x1092".into())
}

fn strip_unit<'a>(text: &'a str, units: &[(&str, f64)], default: f64) -> (&'a str, f64) {
    for (unit, factor) in units {
        if let Some(number) = text.strip_suffix(unit) {
            return (number.trim_end(), *factor);
        }
    }
    (text, default)
}

#[cfg(test)]
mod tests {
    use super::{Rate, Share, Span};
    use pyrometer_model::Nanoseconds;

    #[test]
    fn rates_take_units() {
        for (text, hertz) in [("100", 100.0), ("10khz", 10_000.0), ("1 kHz", 1000.0), ("0.5hz", 0.5), ("2k", 2000.0)] {
            assert_eq!(text.parse(), Ok(Rate::Hertz(hertz)), "{text}");
        }
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!(Rate::Hertz(1000.0).interval(), Nanoseconds::from_millis(1));
        for text in ["", "0", "-1", "fast", "nan", "10ghz", "inf"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn spans_take_units() {
        for (text, ms) in
            [("30", 30_000), ("30s", 30_000), ("5m", 300_000), ("500ms", 500), ("1h", 3_600_000), ("2min", 120_000)]
        {
            assert_eq!(text.parse(), Ok(Span(Some(Nanoseconds::from_millis(ms)))), "{text}");
        }
        assert_eq!("unlimited".parse(), Ok(Span(None)));
        assert!("soon".parse::<Span>().is_err() && "-1".parse::<Span>().is_err());
    }

    #[test]
    fn pids_are_decimal_or_hexadecimal() {
        assert_eq!((super::pid("4242"), super::pid("0x1092")), (Ok(4242), Ok(4242)));
        assert!(super::pid("0").is_err() && super::pid("-3").is_err() && super::pid("python").is_err());
    }

    #[test]
    fn shares_take_percent() {
        assert_eq!("1%".parse(), Ok(Share(0.01)));
        assert_eq!("0.5".parse(), Ok(Share(0.5)));
        assert!("0".parse::<Share>().is_err() && "200%".parse::<Share>().is_err());
    }
}
