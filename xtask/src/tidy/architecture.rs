//! ARCHITECTURE.md is the map: a crate that is not on it, or a place on it with no crate, misleads.

use super::Violation;
use super::repository::Repository;

const MAP: &str = "ARCHITECTURE.md";

pub fn check(repository: &Repository) -> Vec<Violation> {
    let Some(map) = repository.file(MAP) else {
        return vec![Violation::new(MAP, 0, "is missing: it states the crates, the arrows and the invariants")];
    };
    let mut violations = Vec::new();
    let rows: Vec<(usize, &str)> =
        map.text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('|')).collect();
    for (name, _) in repository.manifests() {
        let quoted = format!("`{name}`");
        if name != "xtask" && !rows.iter().any(|(_, row)| row.contains(&quoted)) {
            violations.push(Violation::new(MAP, 0, format!("no table row has the crate {quoted}")));
        }
    }
    for (index, row) in rows {
        for name in row.split('`').filter(|word| word.starts_with("pyrometer-") && !word.contains([' ', '/'])) {
            if repository.file(&format!("crates/{name}/Cargo.toml")).is_none() {
                violations.push(Violation::new(MAP, index + 1, format!("there is no crate `{name}`")));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_and_the_crates_agree() {
        let manifest = ("crates/pyrometer-model/Cargo.toml", "");
        let map = |text| Repository::of(&[manifest, (MAP, text)]);
        assert_eq!(check(&map("| pure | `pyrometer-model` | nouns |")), []);
        assert_eq!(check(&map("`pyrometer-model` in prose only")).len(), 1);
        assert_eq!(check(&map("| `pyrometer-model` |\n| `pyrometer-gone` |"))[0].line, 2);
        assert_eq!(check(&Repository::of(&[manifest])).len(), 1);
    }
}
