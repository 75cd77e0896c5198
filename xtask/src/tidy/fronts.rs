//! Only the fronts print, exit or use anyhow: a library returns what it has to say.

use super::Violation;
use super::crates::{Row, row_of_source};
use super::repository::Repository;
use super::source::{imports, line_at, words};

const MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.rust() {
        if !matches!(row_of_source(&file.path), Some(Row::Pure | Row::Rim)) {
            continue;
        }
        let mut found =
            |at, message: String| violations.push(Violation::new(&file.path, line_at(&file.code, at), message));
        for (at, word) in words(&file.code) {
            let rest = &file.code[at + word.len()..];
            if MACROS.contains(&word) && rest.starts_with('!') {
                found(at, format!("a library does not print ({word}!): return it to the front"));
            } else if word == "process" && (rest.starts_with("::exit") || rest.starts_with("::abort")) {
                found(at, "a library does not end the process: return an error".to_owned());
            } else if word == "anyhow" {
                found(at, "a library does not use anyhow: it has one Error { kind, context }".to_owned());
            }
        }
        for (at, path) in imports(&file.code) {
            if path == "std::process::exit" || path == "std::process::abort" {
                found(at, "a library does not end the process: return an error".to_owned());
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(path: &str, text: &str) -> usize {
        check(&Repository::of(&[(path, text)])).len()
    }

    #[test]
    fn libraries_neither_print_nor_exit() {
        let library = "crates/pyrometer-remote/src/walk.rs";
        assert_eq!(violations(library, "fn f() { println!(\"x\") }"), 1);
        assert_eq!(violations(library, "fn f() { std::process::exit(1) }"), 1);
        assert_eq!(violations(library, "use std::{process::{exit, Command}};"), 1);
        assert_eq!(violations(library, "fn f() -> anyhow::Result<()> { todo }"), 1);
        assert_eq!(violations(library, "// println!\nfn f() { let print = \"eprintln!()\"; }"), 0);
        assert_eq!(violations(library, "#[cfg(test)]\nmod tests { fn f() { println!() } }"), 0);
    }

    #[test]
    fn fronts_do() {
        assert_eq!(violations("crates/pyrometer/src/main.rs", "fn f() { println!(); std::process::exit(1) }"), 0);
    }
}
