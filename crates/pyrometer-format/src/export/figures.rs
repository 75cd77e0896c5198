//! Figures for people.

use std::fmt::Write;

use pyrometer_model::Nanoseconds;

/// Three significant digits and the fitting unit: `12.3 s`, `456 ms`, `7.89 µs`.
pub(super) fn duration(time: Nanoseconds) -> String {
    let seconds = time.as_seconds();
    let (value, unit) = match seconds {
        value if value >= 1.0 => (value, "s"),
        value if value >= 1e-3 => (value * 1e3, "ms"),
        value if value >= 1e-6 => (value * 1e6, "µs"),
        value => (value * 1e9, "ns"),
    };
    let digits = match value {
        value if value == 0.0 || value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// A whole number in groups of three: `1 234 567`.
pub(super) fn grouped(value: u64) -> String {
    let plain = value.to_string();
    let mut grouped = String::new();
    for (position, digit) in plain.chars().enumerate() {
        if position > 0 && (plain.len() - position).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share from 0 to 1 as per cent: `45.6 %`, `0.03 %`; what is there but small is never `0.0 %`.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match percent {
        percent if percent > 0.0 && percent < 0.01 => write!(text, "< 0.01 %"),
        percent if percent > 0.0 && percent < 0.1 => write!(text, "{percent:.2} %"),
        percent => write!(text, "{percent:.1} %"),
    };
    text
}

#[cfg(test)]
mod tests {
    use pyrometer_model::Nanoseconds;

    use super::{duration, grouped, share};

    #[test]
    fn figures_are_short_and_true() {
        let durations =
            [0, 7, 1_500, 456_000_000, 999_960, 12_345_000_000, 120_000_000_000].map(|n| duration(Nanoseconds(n)));
        assert_eq!(durations, ["0 ns", "7.00 ns", "1.50 µs", "456 ms", "1000 µs", "12.3 s", "120 s"]);
        assert_eq!([7, 1234, 1_234_567].map(grouped), ["7", "1\u{202f}234", "1\u{202f}234\u{202f}567"]);
        assert_eq!([0.0, 0.00001, 0.0005, 0.456, 1.0].map(share), ["0.0 %", "< 0.01 %", "0.05 %", "45.6 %", "100.0 %"]);
    }
}
