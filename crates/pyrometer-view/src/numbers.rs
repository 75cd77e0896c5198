//! Figures as text.

use pyrometer_analyze::{Share, Unit};

use crate::style::Style;

/// `89.1 %`; shares next to nothing or everything get a second decimal, so that 0.04 % is not shown as 0 nor 99.97 % as 100.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let is_next_to_an_end = (percent > 0.0 && percent < 0.095) || (99.905..100.0).contains(&percent);
    if is_next_to_an_end { format!("{:.2} %", percent.clamp(0.01, 99.99)) } else { format!("{percent:.1} %") }
}

/// `± 0.9`.
pub(crate) fn margin(style: &Style, share: &Share) -> String {
    let sign = style.sign("±", "+-");
    let points = share.margin() * 100.0;
    if points < 0.095 { format!("{sign} {points:.2}") } else { format!("{sign} {points:.1}") }
}

/// Seconds with three significant figures: `812 µs`, `4.31 ms`, `11.0 s`, `3 min 20 s`.
pub(crate) fn seconds(style: &Style, seconds: f64) -> String {
    let magnitude = seconds.abs();
    if magnitude == 0.0 {
        "0 s".to_owned()
    } else if magnitude < 999.5e-6 {
        format!("{} {}", three_figures(seconds * 1e6), style.sign("µs", "us"))
    } else if magnitude < 0.9995 {
        format!("{} ms", three_figures(seconds * 1e3))
    } else if magnitude < 119.5 {
        format!("{} s", three_figures(seconds))
    } else if magnitude < 7170.0 {
        let whole = seconds.round() as i64;
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as i64;
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

fn three_figures(value: f64) -> String {
    if value.abs() < 9.995 {
        format!("{value:.2}")
    } else if value.abs() < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// An amount in a profile's unit.
pub(crate) fn amount(style: &Style, unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => seconds(style, value),
        Unit::Samples => count(value.round() as u64),
    }
}

/// `12 034`, with a space between groups of three from 10,000 on.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// `6.2 MB`: powers of ten.
pub(crate) fn bytes(value: u64) -> String {
    let value = value as f64;
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] {
        if value >= size {
            return format!("{} {unit}", three_figures(value / size));
        }
    }
    format!("{value:.0} bytes")
}

/// `1 thread`, `2 threads`.
pub(crate) fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number as u64), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, percent, seconds};
    use crate::Style;

    #[test]
    fn figures_read_well_at_every_size() {
        let seconds = |value| seconds(&Style::default(), value);
        assert_eq!([0.0, 812e-6, 0.004_31, 0.9996].map(seconds), ["0 s", "812 µs", "4.31 ms", "1.00 s"]);
        assert_eq!([11.02, 99.96, 200.0, 7200.0].map(seconds), ["11.0 s", "100 s", "3 min 20 s", "2 h 00 min"]);
        assert_eq!([0.0, 1e-9, 0.000_4, 0.021].map(percent), ["0.0 %", "0.01 %", "0.04 %", "2.1 %"]);
        assert_eq!([0.999, 0.9997, 0.999_999, 1.0].map(percent), ["99.9 %", "99.97 %", "99.99 %", "100.0 %"]);
        assert_eq!([999, 9999, 12_034, 1_234_567].map(count), ["999", "9999", "12 034", "1 234 567"]);
        assert_eq!([12, 6_240_000].map(bytes), ["12 bytes", "6.24 MB"]);
    }
}
