//! Pure crates do no I/O, read no clock and forbid unsafe code, so that everything in them is tested over plain data.

use super::Violation;
use super::crates::{Row, crate_of, row_of_source};
use super::repository::Repository;
use super::source::{imports, line_at};

/// Parts of the standard library, and crates, that reach the world outside.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::os",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::Instant",
    "std::time::SystemTime",
    "libc",
    "memmap2",
];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.rust().filter(|file| row_of_source(&file.path) == Some(Row::Pure)) {
        let is_root = crate_of(&file.path).is_some_and(|(_, inside)| inside == "src/lib.rs");
        if is_root && !file.code.contains("#![forbid(unsafe_code)]") {
            violations.push(Violation::new(&file.path, 0, "a pure crate says #![forbid(unsafe_code)]"));
        }
        let written =
            WORLD.iter().flat_map(|path| file.code.match_indices(path).map(|(at, _)| (at, (*path).to_owned())));
        let imported = imports(&file.code);
        let mut lines = Vec::new();
        for (at, path) in written.chain(imported) {
            let line = line_at(&file.code, at);
            if let Some(world) = WORLD.iter().find(|world| reaches(&path, world))
                && is_whole(&file.code, at)
                && !lines.contains(&(line, world))
            {
                lines.push((line, world));
                violations.push(Violation::new(&file.path, line, format!("a pure crate does not use {world}")));
            }
        }
    }
    violations
}

/// Whether a path is `world` or lies below it.
fn reaches(path: &str, world: &str) -> bool {
    path.strip_prefix(world).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether what starts at `at` is not the end of a longer word, and not one word of a longer one that starts here.
fn is_whole(code: &str, at: usize) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let before = code[..at].chars().next_back();
    let rest = &code[at..];
    let end = rest.find(|character| !is_word(character) && character != ':').unwrap_or(rest.len());
    let path = rest[..end].trim_end_matches(':');
    let whole = path == "use" || WORLD.iter().any(|world| reaches(path, world));
    whole && !before.is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(text: &str) -> usize {
        let text = format!("#![forbid(unsafe_code)]\n{text}");
        check(&Repository::of(&[("crates/pyrometer-model/src/lib.rs", &text)])).len()
    }

    #[test]
    fn the_world_is_not_reached() {
        assert_eq!(violations("use std::fs::File;"), 1);
        assert_eq!(violations("use std::{collections::HashMap, time::{Duration, Instant}};"), 1);
        assert_eq!(violations("fn f() { std::env::var(\"HOME\"); }"), 1);
        assert_eq!(violations("fn f() { let t = std::time::SystemTime::now(); }"), 1);
        assert_eq!(violations("fn f() { libc::getpid() }"), 1);
    }

    #[test]
    fn plain_data_is_fine() {
        assert_eq!(
            violations(
                "use std::io::{Read, Write};\nuse std::time::Duration;\nfn f() { let libcore = std::fmt::Error; }"
            ),
            0
        );
        assert_eq!(violations("#[cfg(test)]\nmod tests { use std::fs; }"), 0);
    }

    #[test]
    fn unsafe_is_forbidden_at_the_root() {
        assert_eq!(check(&Repository::of(&[("crates/pyrometer-view/src/lib.rs", "")])).len(), 1);
    }

    #[test]
    fn rims_may() {
        assert_eq!(check(&Repository::of(&[("crates/pyrometer-remote/src/lib.rs", "use std::fs;")])), []);
    }
}
