//! Which crate may depend on which: see [`super::crates::PLACES`].

use super::Violation;
use super::crates::{Row, place_of};
use super::repository::Repository;
use toml::{Table, Value};

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, manifest) in repository.manifests() {
        let Some(place) = place_of(name) else {
            let message =
                format!("the crate {name} has no place in xtask/src/tidy/crates.rs: give it a row and its arrows");
            violations.push(Violation::new(&manifest.path, 0, message));
            continue;
        };
        let table: Table = match manifest.text.parse() {
            Ok(table) => table,
            Err(error) => {
                violations.push(Violation::new(&manifest.path, 0, format!("is not TOML: {error}")));
                continue;
            }
        };
        for dependency in dependencies(&table) {
            let ours = dependency == "pyrometer" || dependency.starts_with("pyrometer-");
            if ours && !place.may_use.contains(&dependency.as_str()) {
                let message = format!("{name} may not depend on {dependency}: arrows point down only");
                violations.push(Violation::new(&manifest.path, line_of(&manifest.text, &dependency), message));
            }
            if dependency == "anyhow" && !matches!(place.row, Row::Front | Row::Tool) {
                let message = format!("{name} may not use anyhow: a library has one Error {{ kind, context }}");
                violations.push(Violation::new(&manifest.path, line_of(&manifest.text, &dependency), message));
            }
        }
    }
    violations
}

/// The names in every dependency table: ordinary, build, development, and those of a target.
fn dependencies(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in table {
        let Value::Table(inner) = value else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                for (name, specification) in inner {
                    // `short = { package = "real-name" }` depends on the real name.
                    let package = specification.get("package").and_then(Value::as_str);
                    names.push(package.unwrap_or(name).to_owned());
                }
            }
            "target" => names.extend(inner.values().filter_map(Value::as_table).flat_map(dependencies)),
            _ => {}
        }
    }
    names
}

fn line_of(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.contains(word)).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(name: &str, manifest: &str) -> usize {
        check(&Repository::of(&[(&format!("crates/{name}/Cargo.toml"), manifest)])).len()
    }

    #[test]
    fn arrows_point_down() {
        assert_eq!(violations("pyrometer-view", "[dependencies]\npyrometer-model.workspace = true"), 0);
        assert_eq!(violations("pyrometer-model", "[dependencies]\npyrometer-view.workspace = true"), 1);
        assert_eq!(violations("pyrometer-model", "[dev-dependencies]\npyrometer-view = { path = '../x' }"), 1);
        assert_eq!(violations("pyrometer-remote", "[target.'cfg(unix)'.dependencies]\npyrometer-server = '1'"), 1);
        assert_eq!(violations("pyrometer-remote", "[dependencies]\nother = { package = 'pyrometer-view' }"), 1);
    }

    #[test]
    fn libraries_do_without_anyhow() {
        assert_eq!(violations("pyrometer", "[dependencies]\nanyhow = '1'"), 0);
        assert_eq!(violations("pyrometer-format", "[dependencies]\nanyhow = '1'"), 1);
    }

    #[test]
    fn a_crate_needs_a_place() {
        assert_eq!(violations("pyrometer-extras", ""), 1);
    }
}
