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

/// Where masked code compares a `minor`, or matches a `minor` or the numbers of something named for a version.
fn version_matches(code: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, word) in words(code) {
        let rest = &code[at + word.len()..];
        if word == "match" {
            let scrutinee = rest.split('{').next().unwrap_or("");
            let mut named = words(scrutinee).map(|(_, word)| word);
            let is_version = |word: &str| word == "version" || word.ends_with("_version");
            if words(scrutinee).any(|(_, word)| word == "minor")
                || (named.any(is_version) && has_number_pattern(&rest[scrutinee.len()..]))
            {
                found.push(at);
            }
        } else if word == "minor" {
            let rest = rest.trim_start();
            if ["<", ">", "==", "!="].iter().any(|operator| rest.starts_with(operator)) {
                found.push(at);
            }
        }
    }
    found
}

/// Whether a pattern of the match whose braces `body` starts with has a number in it.
fn has_number_pattern(body: &str) -> bool {
    let mut depth = 0;
    let end = body.find(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let arms: Vec<&str> = body[..end.unwrap_or(body.len())].split("=>").collect();
    // Before each arrow is the end of the last arm, a comma or brace, and then the pattern.
    arms[..arms.len() - 1].iter().any(|before| {
        let start = before.rfind(",\n").or_else(|| before.rfind('}')).or_else(|| before.find('{')).unwrap_or(0);
        words(&before[start..]).any(|(_, word)| word.starts_with(|character: char| character.is_ascii_digit()))
    })
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
        assert_eq!(violations(elsewhere, "fn f() { match python_version { (3, 8) => a, _ => b } }"), 1);
        assert_eq!(violations(elsewhere, "fn f() { match python_version {\n8..=10 => 1,\n_ => 2\n} }"), 1);
        assert_eq!(violations(elsewhere, "fn f() { match version {\nNone => g(3, 8),\nSome(v) => v\n} }"), 0);
        assert_eq!(violations(elsewhere, "fn f() { if version.minor >= 11 { a } }"), 1);
        assert_eq!(violations(elsewhere, "fn f() { match owner { Version::A => b } }"), 0);
        assert_eq!(violations(elsewhere, "match header.version { // tidy: not a Python version\n1 => a }"), 0);
        assert_eq!(violations("crates/pyrometer-remote/src/cpython/dialect/strings.rs", "match minor { _ => b }"), 0);
        assert_eq!(violations("crates/pyrometer-remote/src/cpython/dialect.rs", "match minor { _ => b }"), 0);
    }
}
