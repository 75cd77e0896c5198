//! `pyrometer report`: what a capture says.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use pyrometer_analyze::{
    CallTree, Direction, FunctionOptions, FunctionTable, LineTable, Neighbours, Profile, SortKey, ThreadTable,
    TreeOptions, Triage, TriageOptions, find_function,
};
use pyrometer_model::{Dictionary, SampleSource, Selection};
use pyrometer_view::{
    Style, render_functions, render_lines, render_neighbours, render_processes, render_threads, render_tree,
    render_triage,
};
use serde::Serialize;

use crate::failure::WithHint;
use crate::flags::{Report, SortFlag};
use crate::{open, terminal};

/// Rows of the function table when `--limit` is not given.
const DEFAULT_ROWS: usize = 40;

/// Answers the question that the flags ask; without one, the triage.
///
/// # Errors
/// When the capture cannot be read, or a function, thread or pattern in the flags is not in it.
pub fn run(flags: &Report) -> Result<ExitCode> {
    let style = terminal::style(&flags.looks, &std::io::stdout());
    let text = open::with(&flags.file, |capture| {
        let (dictionary, samples) = capture.parts();
        let selection = open::selection(dictionary, &flags.choice)?;
        let profile = Profile::read(dictionary, samples, &selection).map_err(|error| WithHint::analyze(&error))?;
        answer(flags, &profile, &style).map_err(|error| WithHint::analyze(&error))?
    })?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The triage of a capture that was just recorded, as text or as JSON.
///
/// # Errors
/// When the samples cannot be read.
pub fn triage_text(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    file: &Path,
    form: &Form<'_>,
) -> Result<String> {
    let selection = Selection { include_idle: false, ..Selection::default() };
    let profile = Profile::read(dictionary, source, &selection).map_err(|error| WithHint::analyze(&error))?;
    let options = TriageOptions { capture_name: Some(file.display().to_string()), ..TriageOptions::default() };
    let triage = Triage::of(&profile, &options);
    form.write(&triage, render_triage)
}

/// How findings are written.
#[derive(Debug)]
pub enum Form<'a> {
    /// For people.
    Text(&'a Style),
    /// For programs: one JSON document and a line's end.
    Json,
}

impl Form<'_> {
    fn write<T: Serialize>(&self, finding: &T, render: impl FnOnce(&T, &Style) -> String) -> Result<String> {
        match self {
            Self::Text(style) => Ok(render(finding, style)),
            Self::Json => {
                let mut json = serde_json::to_string_pretty(finding).context("cannot write the report as JSON")?;
                json.push('\n');
                Ok(json)
            }
        }
    }
}

type Answer = Result<Result<String>, pyrometer_analyze::Error>;

fn answer(flags: &Report, profile: &Profile<'_>, style: &Style) -> Answer {
    let form = if flags.json { Form::Json } else { Form::Text(style) };
    let ask = |query: &str, direction| {
        let found = find_function(profile, query)?;
        Ok(form.write(&Neighbours::of(profile, found.code, &found.others, direction), render_neighbours))
    };
    if let Some(query) = &flags.callers {
        return ask(query, Direction::Callers);
    }
    if let Some(query) = &flags.callees {
        return ask(query, Direction::Callees);
    }
    if let Some(query) = &flags.lines {
        let found = find_function(profile, query)?;
        return Ok(form.write(&LineTable::of(profile, found.code, &found.others), render_lines));
    }
    if flags.tree {
        return Ok(form.write(&CallTree::of(profile, TreeOptions::default()), render_tree));
    }
    if flags.threads || flags.processes {
        let render = if flags.threads { render_threads } else { render_processes };
        return Ok(form.write(&ThreadTable::of(profile), render));
    }
    if flags.sort.is_some() || flags.limit.is_some() || flags.function.is_some() {
        let options = FunctionOptions {
            sort: sort_key(flags.sort.unwrap_or(SortFlag::Own)),
            limit: Some(flags.limit.unwrap_or(DEFAULT_ROWS)),
            pattern: flags.function.clone(),
        };
        return Ok(form.write(&FunctionTable::of(profile, &options)?, render_functions));
    }
    let options = TriageOptions { capture_name: Some(flags.file.display().to_string()), ..TriageOptions::default() };
    Ok(form.write(&Triage::of(profile, &options), render_triage))
}

fn sort_key(flag: SortFlag) -> SortKey {
    match flag {
        SortFlag::Own => SortKey::Own,
        SortFlag::Total => SortKey::Total,
        SortFlag::Calls => SortKey::Calls,
        SortFlag::Name => SortKey::Name,
    }
}

/// Prints to standard output. A reader that has seen enough (`| head`) is not an error.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}
