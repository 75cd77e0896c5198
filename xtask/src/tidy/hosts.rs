//! No package registry's host is named: which one is used is for the machine's own configuration to say.

use super::Violation;
use super::repository::Repository;

/// The registries, as (name, top-level domain), so that this file does not name their hosts either.
const REGISTRIES: &[(&str, &str)] = &[
    ("crates", "io"),
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("yarnpkg", "com"),
    ("debian", "org"),
    ("debian", "net"),
    ("ubuntu", "com"),
    ("golang", "org"),
    ("nodesource", "com"),
];

pub fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.files() {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(host) = registry_host(line) {
                let message =
                    format!("names the package registry {host}: leave the host to the client's configuration");
                violations.push(Violation::new(&file.path, index + 1, message));
            }
        }
    }
    violations
}

/// A registry's host in the line, as part of an address or with a subdomain. The bare name (as in "published on
/// crates" + ".io") is a word that documentation may use.
fn registry_host(line: &str) -> Option<String> {
    for (name, domain) in REGISTRIES {
        let host = format!("{name}.{domain}");
        for (at, _) in line.match_indices(&host) {
            let before = &line[..at];
            let after = line[at + host.len()..].chars().next();
            let ends = after.is_none_or(|character| !character.is_alphanumeric() && character != '-');
            let subdomain = before.ends_with('.') && before[..before.len() - 1].ends_with(char::is_alphanumeric);
            if ends && (subdomain || before.ends_with("//") || before.ends_with('@')) {
                return Some(host);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_and_words_are_not() {
        let host = ["pypi", "org"].join(".");
        let check_line = |line: String| check(&Repository::of(&[("docs/x.md", &line)])).len();
        assert_eq!(check_line(format!("see https://{host}/simple")), 1);
        assert_eq!(check_line(format!("mirror = files.{host}")), 1);
        assert_eq!(check_line(format!("published on {host}, as a word")), 0);
        assert_eq!(check_line(format!("https://my{host}x/")), 0);
    }
}
