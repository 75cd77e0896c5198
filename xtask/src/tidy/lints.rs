//! The workspace's lints (no unwrap, documented unsafe, short functions) hold in every crate, without exceptions.

use super::Violation;
use super::repository::Repository;
use super::source::line_at;
use toml::{Table, Value};

/// Lints that only a test, or a file marked as a table, may allow.
const FIRM: &[&str] = &[
    "unwrap_used",
    "expect_used",
    "undocumented_unsafe_blocks",
    "too_many_lines",
    "todo",
    "unimplemented",
    "dbg_macro",
];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, manifest) in repository.manifests() {
        let inherits = manifest
            .text
            .parse::<Table>()
            .ok()
            .and_then(|table| table.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool));
        if inherits != Some(true) {
            let message = format!("{name} does not inherit the workspace's lints: add `[lints] workspace = true`");
            violations.push(Violation::new(&manifest.path, 0, message));
        }
    }
    for file in repository.rust() {
        if file.text.contains(super::size::TABLE_MARKER) {
            continue;
        }
        for (at, attribute) in file.code.match_indices("allow(") {
            let inside = file.code[at..].split(')').next().unwrap_or(attribute);
            for lint in FIRM.iter().filter(|lint| inside.contains(&format!("clippy::{lint}"))) {
                let message = format!("clippy::{lint} is not to be allowed outside tests");
                violations.push(Violation::new(&file.path, line_at(&file.code, at), message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_inherits_the_lints() {
        let check_manifest = |text| check(&Repository::of(&[("crates/pyrometer-model/Cargo.toml", text)])).len();
        assert_eq!(check_manifest("[lints]\nworkspace = true"), 0);
        assert_eq!(check_manifest("[lints.clippy]\nall = 'allow'"), 1);
        assert_eq!(check_manifest(""), 1);
    }

    #[test]
    fn firm_lints_are_not_allowed() {
        let check_source = |text| check(&Repository::of(&[("crates/pyrometer-model/src/lib.rs", text)])).len();
        assert_eq!(check_source("#![allow(clippy::unwrap_used)]"), 1);
        assert_eq!(check_source("#[allow(dead_code, clippy::expect_used)] fn f() {}"), 1);
        assert_eq!(check_source("#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests { }"), 0);
        assert_eq!(check_source("#[allow(clippy::cast_possible_truncation)] fn f() {}"), 0);
    }
}
