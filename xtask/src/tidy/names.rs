//! No module is a drawer for everything: its name says what it holds.

use super::Violation;
use super::repository::Repository;
use super::source::{line_at, words};

const DRAWERS: &[&str] =
    &["util", "utils", "utilities", "common", "shared", "helper", "helpers", "misc", "miscellaneous", "stuff"];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.files() {
        let is_source = [".rs", ".py", ".js", ".ts", ".mjs"].iter().any(|ending| file.path.ends_with(ending));
        let drawer =
            file.path.split('/').map(|part| part.split('.').next().unwrap_or(part)).find(|part| DRAWERS.contains(part));
        if let (true, Some(drawer)) = (is_source, drawer) {
            violations.push(Violation::new(
                &file.path,
                0,
                format!("`{drawer}` says nothing: name it for what it holds"),
            ));
        }
        for (at, word) in words(&file.code) {
            let next = words(&file.code[at + word.len()..]).next().map_or("", |(_, next)| next);
            let inline = file.code[at..]
                .split(['{', ';'])
                .next()
                .is_some_and(|head| file.code[at + head.len()..].starts_with('{'));
            if word == "mod" && inline && DRAWERS.contains(&next) {
                let message = format!("`{next}` says nothing: name the module for what it holds");
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
    fn drawers_are_found() {
        let violations = |path, text| check(&Repository::of(&[(path, text)])).len();
        assert_eq!(violations("crates/a/src/utils.rs", ""), 1);
        assert_eq!(violations("crates/a/src/common/mod.rs", ""), 1);
        assert_eq!(violations("python/pyrometer/helpers.py", ""), 1);
        assert_eq!(violations("crates/a/src/lib.rs", "mod shared { fn f() {} }"), 1);
        assert_eq!(violations("crates/a/src/common_prefix.rs", "mod shares; // mod utils {"), 0);
        assert_eq!(violations("docs/common.md", ""), 0);
    }
}
