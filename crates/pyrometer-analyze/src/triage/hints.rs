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

/// A file's name as one word of a shell that no command takes for a flag.
fn path(file: &str) -> String {
    if file.starts_with('-') { quoted(&format!("./{file}")) } else { quoted(file) }
}

/// The command that made the capture, with `--pause`. None where another program gave it, which no shell could repeat, or
/// where it is too long to be read.
fn paused(command: &[String]) -> Option<String> {
    const LONGEST: usize = 90;
    let [_, subcommand, rest @ ..] = command else { return None };
    let by_a_program = rest.iter().any(|word| word.starts_with("--stop-fd") || word.starts_with("--ready-fd"));
    if by_a_program || !matches!(subcommand.as_str(), "run" | "record") {
        return None;
    }
    let words: Vec<String> = rest.iter().map(|word| quoted(word)).collect();
    let command = format!("pyrometer {subcommand} --pause {}", words.join(" "));
    (command.len() <= LONGEST).then_some(command)
}

pub(super) fn hints(triage: &Triage, file: Option<&str>, command: &[String]) -> Vec<Hint> {
    let file = file.map_or_else(|| "FILE".to_owned(), path);
    let report = |flags: &str, shows: String| Hint { command: format!("pyrometer report {file} {flags}"), shows };
    let mut hints = Vec::new();
    if triage.verdict.kind == VerdictKind::Empty {
        return hints;
    }
    if triage.waiting.is_some() {
        hints.push(report("--idle --tree", "the call tree with waiting in it".to_owned()));
    }
    if triage.starved.is_some() && triage.base.view == "wall" {
        hints.push(report("--view cpu", "where CPU time went, whoever else had the processors".to_owned()));
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
        let shows = "no unproven stacks, at the price of stopping the program for each sample".to_owned();
        hints.extend(paused(command).map(|command| Hint { command, shows }));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::{path, paused, quoted};

    #[test]
    fn names_survive_a_shell() {
        assert_eq!(quoted("audit_log:redact"), "audit_log:redact");
        assert_eq!(quoted("<module>"), "'<module>'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!((path("-a.pyro").as_str(), path("a b.pyro").as_str()), ("./-a.pyro", "'a b.pyro'"));
    }

    #[test]
    fn the_command_is_suggested_with_pause_where_a_person_gave_it() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let again = paused(&words("/usr/bin/pyrometer run -r 1khz my.py --x=<y>"));
        assert_eq!(again.as_deref(), Some("pyrometer run --pause -r 1khz my.py '--x=<y>'"));
        assert_eq!(paused(&words("pyrometer record -p 12 --stop-fd 5")), None);
        assert_eq!(paused(&words("pyrometer top -p 12")), None);
        assert_eq!(paused(&[]), None);
    }
}
