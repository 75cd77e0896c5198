//! Where a recording goes, and what is told about it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use pyrometer_analyze::AuditReport;
use pyrometer_format::export::{Format, Options};
use pyrometer_model::{Dictionary, SampleSource, Selection};
use pyrometer_view::render_audit;

use crate::commands::export::{format_of, keeps_idle, write};
use crate::commands::report::{Form, triage_text};
use crate::commands::run::default_capture;
use crate::{flags, open, terminal};

/// Where a recording goes.
#[derive(Debug)]
pub struct Output {
    /// The capture's file.
    pub capture: PathBuf,
    /// What is made of it, when a capture is not what was asked for: then the capture is temporary.
    pub export: Option<(Format, PathBuf)>,
    /// How that is made.
    pub options: Options,
}

/// What is told at the end.
#[derive(Debug, Clone, Copy)]
pub struct Looks<'a> {
    /// Where JSON goes, if anywhere; `-` is standard error.
    pub json: Option<&'a Path>,
    /// Nothing is told.
    pub quiet: bool,
    /// Colours and width.
    pub looks: &'a flags::Looks,
}

impl Output {
    /// Decides by the flags `--output` and `--format`; `name` is what the file is called after when neither names one.
    ///
    /// # Errors
    /// When the format is not known.
    pub fn choose(output: Option<&Path>, format: Option<&str>, name: &str) -> Result<Self> {
        let is_capture = match (format, output) {
            (Some(format), _) => format == "pyro",
            (None, Some(output)) => output.extension().is_some_and(|extension| extension == "pyro"),
            (None, None) => true,
        };
        if is_capture {
            let capture = output.map_or_else(|| default_capture(name), Path::to_owned);
            return Ok(Self { capture, export: None, options: Options::default() });
        }
        let format = format_of(format, output)?;
        let capture = std::env::temp_dir().join(format!("pyrometer.{}.pyro", std::process::id()));
        let output = output.map_or_else(
            || default_capture(name).with_extension(format.extension().trim_start_matches('.')),
            Path::to_owned,
        );
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // To find out at the end of a long recording would be too late.
        folder.metadata().with_context(|| format!("cannot write {}", output.display()))?;
        let selection = Selection { include_idle: keeps_idle(format), ..Selection::default() };
        let options = Options { selection, lines: true, ..Options::default() };
        Ok(Self { capture, export: Some((format, output)), options })
    }

    /// Tells what was recorded: the triage, or where the exported file is.
    ///
    /// # Errors
    /// When the capture cannot be read again or something cannot be written.
    pub fn tell(&self, looks: &Looks<'_>) -> Result<()> {
        open::with(&self.capture, |capture| {
            let (dictionary, samples) = capture.parts();
            self.tell_of(dictionary, samples, looks)
        })
    }

    fn tell_of(&self, dictionary: &Dictionary, samples: &mut dyn SampleSource, looks: &Looks<'_>) -> Result<()> {
        if let Some(json) = looks.json {
            let text = triage_text(dictionary, samples, &self.capture, &Form::Json)?;
            if json == Path::new("-") {
                eprint!("{text}");
            } else {
                std::fs::write(json, text).with_context(|| format!("cannot write {}", json.display()))?;
            }
        }
        if let Some((format, output)) = &self.export {
            write(*format, dictionary, samples, &self.options, output)
                .with_context(|| format!("the samples are kept in {}", self.capture.display()))?;
            let _only_temporary = std::fs::remove_file(&self.capture);
            if !looks.quiet && output != Path::new("-") {
                let style = terminal::style(looks.looks, &std::io::stderr());
                eprint!("{}", render_audit(&AuditReport::of(dictionary), &style));
                eprintln!("pyrometer: wrote {}, {}", output.display(), format.describe());
            }
        } else if looks.json.is_none() && !looks.quiet {
            let style = terminal::style(looks.looks, &std::io::stderr());
            eprint!("{}", triage_text(dictionary, samples, &self.capture, &Form::Text(&style))?);
        }
        Ok(())
    }
}
