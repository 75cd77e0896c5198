//! A link from one page of the repository to another leads somewhere.

use super::Violation;
use super::repository::Repository;

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.files().iter().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (index, line) in file.text.lines().enumerate() {
            for target in targets(line) {
                let path = target.split('#').next().unwrap_or("");
                if !path.is_empty() && !target.contains(':') && !repository.has(&resolve(folder, path)) {
                    violations.push(Violation::new(&file.path, index + 1, format!("there is no {target}")));
                }
            }
        }
    }
    violations
}

/// The targets of the line's links, `[text](target)`, those in code spans left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    // Every second piece between backquotes is code.
    line.split('`').step_by(2).flat_map(|prose| prose.split("](").skip(1)).filter_map(|rest| {
        let (target, _) = rest.split_once(')')?;
        target.split_whitespace().next()
    })
}

/// A relative path seen from a folder, without `.` and `..`.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_somewhere() {
        let violations =
            |text| check(&Repository::of(&[("docs/page.md", text), ("docs/other.md", ""), ("README.md", "")])).len();
        assert_eq!(
            violations("[a](other.md#part) [b](../README.md) [c](../docs/) [d](#here) [e](https://example.invalid/x)"),
            0
        );
        assert_eq!(violations("[a](gone.md)"), 1);
        assert_eq!(violations("[a](other.md) and ![b](picture.svg \"title\")"), 1);
        assert_eq!(violations("as in `[a](gone.md)`"), 0);
    }
}
