//! The colours of a flame graph: by where a function comes from, varied by its name, the same in every picture.

use super::super::frames::Origin;

/// Hue, saturation and lightness between which a group of functions varies: degrees and per cent.
struct Band {
    hue: (f64, f64),
    saturation: (f64, f64),
    lightness: (f64, f64),
}

/// The program's own code glows; what it uses is cooler the further it is from what the reader can change.
const OWN: Band = Band { hue: (12.0, 38.0), saturation: (82.0, 95.0), lightness: (61.0, 68.0) };
const LIBRARY: Band = Band { hue: (44.0, 56.0), saturation: (58.0, 72.0), lightness: (66.0, 74.0) };
const STANDARD: Band = Band { hue: (145.0, 175.0), saturation: (24.0, 34.0), lightness: (68.0, 75.0) };
const NATIVE: Band = Band { hue: (205.0, 222.0), saturation: (42.0, 56.0), lightness: (72.0, 78.0) };
const MARKER: Band = Band { hue: (220.0, 220.0), saturation: (6.0, 6.0), lightness: (76.0, 80.0) };

/// The groups that the legend names, with the colour in the middle of their bands.
pub(super) fn legend() -> [(&'static str, String); 4] {
    let middle = |band| shade(&band, 0.5, 0.5, 0.5);
    [
        ("own code", middle(OWN)),
        ("installed packages", middle(LIBRARY)),
        ("standard library", middle(STANDARD)),
        ("native", middle(NATIVE)),
    ]
}

/// The colour of a function called `name`, as `#rrggbb`.
pub(super) fn of(origin: Origin, name: &str) -> String {
    let band = match origin {
        Origin::Own => OWN,
        Origin::Library => LIBRARY,
        Origin::Standard => STANDARD,
        Origin::Native => NATIVE,
        Origin::Marker => MARKER,
    };
    let hash = fnv(name);
    let part = |shift: u32| f64::from(u8::try_from((hash >> shift) & 0xff).unwrap_or(0)) / 255.0;
    shade(&band, part(8), part(24), part(40))
}

/// The FNV-1a hash: it never changes between versions, unlike the standard library's.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn shade(band: &Band, hue: f64, saturation: f64, lightness: f64) -> String {
    let between = |(low, high): (f64, f64), at: f64| low + (high - low) * at;
    let (hue, saturation, lightness) = (
        between(band.hue, hue),
        between(band.saturation, saturation) / 100.0,
        between(band.lightness, lightness) / 100.0,
    );
    let chroma = saturation * lightness.min(1.0 - lightness);
    let channel = |offset: f64| {
        let at = (offset + hue / 30.0) % 12.0;
        let value = lightness - chroma * (at - 3.0).min(9.0 - at).clamp(-1.0, 1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let byte = (value * 255.0).round().clamp(0.0, 255.0) as u8;
        byte
    };
    format!("#{:02x}{:02x}{:02x}", channel(0.0), channel(8.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use super::{OWN, Origin, of, shade};

    #[test]
    fn colours_are_fixed_and_vary_with_the_name() {
        assert_eq!(of(Origin::Own, "app.main"), of(Origin::Own, "app.main"));
        assert_ne!(of(Origin::Own, "app.main"), of(Origin::Own, "app.other"));
        assert_ne!(of(Origin::Own, "app.main"), of(Origin::Native, "app.main"));
        // hsl(12 82% 61%) by any converter.
        assert_eq!(shade(&OWN, 0.0, 0.0, 0.0), "#ed6b4a");
    }
}
