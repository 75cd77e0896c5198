//! What differs between Python versions is decided in one place for each side: `remote::cpython::dialect` outside the
//! target, `agent::compat` inside. A version looked at elsewhere is a difference that the next version will break.

use super::Violation;
use super::repository::Repository;
use super::source::{line_at, words};

/// Where Python versions are told apart: these files and the folders of the same name.
const PLACES: &[&str] = &["crates/pyrometer-remote/src/cpython/dialect", "crates/pyrometer-agent/src/compat"];

/// On the line of a version that is not Python's, such as that of a file format.
const MARKER: &str = "// tidy: not a Python version";

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.rust().filter(|file| file.path.starts_with("crates/")) {
        if PLACES.iter().any(|place| file.path.starts_with(place)) {
            continue;
        }
        for at in version_matches(&file.code) {
            let line = line_at(&file.code, at);
            if !file.text.lines().nth(line - 1).is_some_and(|text| text.contains(MARKER)) {
                let message = "a Python version is told apart here: ask the dialect instead";
                violations.push(Violation::new(&file.path, line, message));
            }
        }
    }
    violations
}

/// Where masked code has `match` on, or a comparison of, something named for a version.
fn version_matches(code: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, word) in words(code) {
        let rest = &code[at + word.len()..];
        let is_version = |word: &str| word == "minor" || word == "version" || word.ends_with("_version");
        if word == "match" {
            let scrutinee = rest.split('{').next().unwrap_or("");
            if words(scrutinee).any(|(_, word)| is_version(word)) {
                found.push(at);
            }
        } else if word == "minor" {
            let rest = rest.trim_start();
            if ["<", ">", "==", "!="].iter().any(|operator| rest.starts_with(operator)) && !rest.starts_with("<'") {
                found.push(at);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(path: &str, text: &str) -> usize {
        check(&Repository::of(&[(path, text)])).len()
    }

    #[test]
    fn versions_are_told_apart_by_the_dialect_alone() {
        let elsewhere = "crates/pyrometer-remote/src/walk.rs";
        assert_eq!(violations(elsewhere, "fn f() { match version.minor { 8 => a, _ => b } }"), 1);
        assert_eq!(violations(elsewhere, "fn f() { match (major, python_version) { _ => b } }"), 1);
        assert_eq!(violations(elsewhere, "fn f() { if version.minor >= 11 { a } }"), 1);
        assert_eq!(violations(elsewhere, "fn f() { match owner { Version::A => b } }"), 0);
        assert_eq!(violations(elsewhere, "match header.version { // tidy: not a Python version\n}"), 0);
        assert_eq!(violations("crates/pyrometer-remote/src/cpython/dialect/strings.rs", "match minor { _ => b }"), 0);
        assert_eq!(violations("crates/pyrometer-remote/src/cpython/dialect.rs", "match minor { _ => b }"), 0);
    }
}
