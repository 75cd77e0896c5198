//! What to type next.

use serde::Serialize;

use super::{Triage, VerdictKind};
use crate::Origin;

/// A command, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// The command, quoted for a shell.
    pub command: String,
    /// What it shows.
    pub shows: String,
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:,@%+=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

pub(super) fn hints(triage: &Triage, file: Option<&str>) -> Vec<Hint> {
    let file = file.map_or_else(|| "FILE".to_owned(), quoted);
    let report = |flags: &str, shows: String| Hint { command: format!("pyrometer report {file} {flags}"), shows };
    let mut hints = Vec::new();
    if triage.verdict.kind == VerdictKind::Empty {
        return hints;
    }
    if triage.waiting.is_some() {
        hints.push(report("--idle --tree", "the call tree with waiting in it".to_owned()));
    }
    if triage.gil.is_some() {
        hints.push(report("--view gil", "who holds the GIL, by function".to_owned()));
    }
    if let Some(hot) = triage.red.first().or(triage.yellow.first()) {
        let (name, query) = (&hot.function.label, quoted(&hot.function.query()));
        if hot.function.origin != Origin::Native {
            hints.push(report(&format!("--lines {query}"), format!("every line of {name}")));
        }
        let callee = hot.lines.first().and_then(|line| line.callees.first());
        if let Some(callee) = callee.filter(|callee| callee.share.share > hot.own.share / 2.0) {
            let (name, query) = (&callee.function.label, quoted(&callee.function.query()));
            hints.push(report(&format!("--callers {query}"), format!("who else calls {name}")));
        } else {
            hints.push(report(&format!("--callers {query}"), format!("who calls {name}")));
        }
    }
    if triage.waiting.is_none() {
        hints.push(report("--tree", "the call tree".to_owned()));
    }
    hints.push(Hint { command: format!("pyrometer export {file} -o flame.svg"), shows: "a flame graph".to_owned() });
    if triage.unproven.unknown.share > triage.thresholds.unproven {
        hints.push(Hint {
            command: "pyrometer run --pause …".to_owned(),
            shows: "no unproven stacks, at the price of stopping the program for each sample".to_owned(),
        });
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_survive_a_shell() {
        assert_eq!(quoted("audit_log:redact"), "audit_log:redact");
        assert_eq!(quoted("<module>"), "'<module>'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
