//! A file over 600 lines of code has more than one subject.

use super::Violation;
use super::repository::{File, Repository};

/// Lines of code that a file may have: those with something on them besides a comment, tests not counted.
const LIMIT: usize = 600;

/// A file that says this is a table: long because the facts are many, not because it does many things.
pub const TABLE_MARKER: &str = "// tidy: table";

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.files() {
        let lines = lines_of_code(file);
        if lines > LIMIT && !file.text.contains(TABLE_MARKER) {
            let message = format!("{lines} lines of code, over {LIMIT}: split it by subject");
            violations.push(Violation::new(&file.path, 0, message));
        }
    }
    violations
}

fn lines_of_code(file: &File) -> usize {
    let extension = file.path.rsplit('.').next().unwrap_or("");
    let count = |text: &str, comment: &[&str]| {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !comment.iter().any(|start| line.starts_with(start)))
            .count()
    };
    match extension {
        "rs" if file.path.ends_with("tests.rs") => 0,
        "rs" => count(&file.code, &[]),
        "py" | "sh" => count(&file.text, &["#"]),
        "js" | "mjs" | "ts" | "css" | "c" | "h" => count(&file.text, &["//", "/*", "*"]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found() {
        let violations = |path, text: &str| check(&Repository::of(&[(path, text)])).len();
        let code = "let x = 1;\n";
        assert_eq!(violations("crates/a/src/lib.rs", &code.repeat(600)), 0);
        assert_eq!(violations("crates/a/src/lib.rs", &code.repeat(601)), 1);
        assert_eq!(violations("python/pyrometer/a.py", &"x = 1\n".repeat(601)), 1);
        assert_eq!(violations("crates/a/src/lib.rs", &format!("{TABLE_MARKER}\n{}", code.repeat(601))), 0);
    }

    #[test]
    fn comments_blanks_and_tests_do_not_count() {
        let text = format!(
            "{}{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "// said\n\n".repeat(400),
            "let s = \"a\nb\";\n".repeat(300),
            "fn t() {}\n".repeat(400)
        );
        assert_eq!(check(&Repository::of(&[("crates/a/src/lib.rs", &text)])), []);
    }
}
