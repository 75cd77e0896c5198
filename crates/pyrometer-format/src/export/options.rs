//! What is exported, and as what.

use pyrometer_model::{Dictionary, Selection};

use super::frames::Granularity;

/// A format of another viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One line a stack, as `flamegraph.pl` and its kin read it.
    Collapsed,
    /// The JSON of speedscope.
    Speedscope,
    /// The gzipped protobuf of `pprof`.
    Pprof,
    /// The processed profile of the Firefox profiler.
    Firefox,
    /// The JSON trace events of `chrome://tracing`.
    ChromeTrace,
    /// The protobuf trace of Perfetto.
    Perfetto,
    /// What `pstats.Stats` and the viewers of cProfile's files load.
    Pstats,
    /// An interactive picture for a browser.
    Flamegraph,
    /// Everything, one JSON object a line.
    Jsonl,
}

struct Facts {
    name: &'static str,
    also: &'static [&'static str],
    /// Longest first where one ends with another.
    extensions: &'static [&'static str],
    describe: &'static str,
    action: &'static str,
}

impl Format {
    /// All formats, in the order in which they are offered.
    pub const ALL: [Self; 9] = [
        Self::Flamegraph,
        Self::Speedscope,
        Self::Collapsed,
        Self::Pstats,
        Self::Pprof,
        Self::Firefox,
        Self::ChromeTrace,
        Self::Perfetto,
        Self::Jsonl,
    ];

    /// The format called `name`, in any case of letters; the names that other profilers use for it are known too
    /// (`raw`, `folded`, `chrometrace`, `svg`, …).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| {
            let facts = format.facts();
            facts.name == name || facts.also.contains(&name.as_str())
        })
    }

    /// The format that a file called `path` is wanted in, by its ending; none where the ending says nothing.
    /// A bare `.json` is taken for speedscope's.
    #[must_use]
    pub fn from_extension(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        let endings = Self::ALL
            .into_iter()
            .flat_map(|format| format.facts().extensions.iter().map(move |extension| (*extension, format)));
        endings
            .filter(|(extension, _)| path.ends_with(extension))
            .max_by_key(|(extension, _)| extension.len())
            .map(|(_, format)| format)
    }

    /// The format's name as a flag's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The ending that a file in this format usually has, with its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.facts().extensions[0]
    }

    /// What it is and what opens it, in one line.
    #[must_use]
    pub fn describe(self) -> &'static str {
        self.facts().describe
    }

    pub(super) fn action(self) -> &'static str {
        self.facts().action
    }

    const fn facts(self) -> &'static Facts {
        match self {
            Self::Collapsed => &COLLAPSED,
            Self::Speedscope => &SPEEDSCOPE,
            Self::Pprof => &PPROF,
            Self::Firefox => &FIREFOX,
            Self::ChromeTrace => &CHROME,
            Self::Perfetto => &PERFETTO,
            Self::Pstats => &PSTATS,
            Self::Flamegraph => &FLAMEGRAPH,
            Self::Jsonl => &JSONL,
        }
    }
}

const COLLAPSED: Facts = Facts {
    name: "collapsed",
    also: &["raw", "folded"],
    extensions: &[".collapsed", ".folded", ".txt"],
    describe: "one line a stack: frames joined by `;` and a weight (flamegraph.pl and most other viewers)",
    action: "writing collapsed stacks",
};
const SPEEDSCOPE: Facts = Facts {
    name: "speedscope",
    also: &[],
    extensions: &[".speedscope.json", ".speedscope", ".json"],
    describe: "JSON for speedscope: each thread in time order",
    action: "writing a speedscope file",
};
const PPROF: Facts = Facts {
    name: "pprof",
    also: &["pb"],
    extensions: &[".pb.gz", ".pprof", ".pprof.gz", ".pb"],
    describe: "gzipped protobuf for `go tool pprof` and continuous profiling stores",
    action: "writing a pprof profile",
};
const FIREFOX: Facts = Facts {
    name: "firefox",
    also: &["gecko", "firefox-profiler"],
    extensions: &[".firefox.json", ".firefox"],
    describe: "processed profile for the Firefox profiler: threads over time with CPU use",
    action: "writing a Firefox profile",
};
const CHROME: Facts = Facts {
    name: "chrome-trace",
    also: &["chrometrace", "chrome"],
    // Not `.chrome.json` first: speedscope takes a file of that name for a timeline of Chrome's developer tools.
    extensions: &[".trace.json", ".chrome.json", ".trace"],
    describe: "JSON trace events for chrome://tracing and Perfetto's viewer",
    action: "writing Chrome trace events",
};
const PERFETTO: Facts = Facts {
    name: "perfetto",
    also: &[],
    extensions: &[".perfetto-trace", ".pftrace", ".perfetto"],
    describe: "protobuf trace for Perfetto's viewer and its SQL",
    action: "writing a Perfetto trace",
};
const PSTATS: Facts = Facts {
    name: "pstats",
    also: &["cprofile", "prof"],
    extensions: &[".pstats", ".prof", ".cprof", ".stats"],
    describe: "what `pstats.Stats`, snakeviz and gprof2dot load (calls are sample counts)",
    action: "writing a pstats file",
};
const FLAMEGRAPH: Facts = Facts {
    name: "flamegraph",
    also: &["svg"],
    extensions: &[".svg"],
    describe: "SVG picture with search and zoom, in one file, for any browser",
    action: "writing a flame graph",
};
const JSONL: Facts = Facts {
    name: "jsonl",
    also: &["ndjson"],
    extensions: &[".jsonl", ".ndjson"],
    describe: "everything that the capture holds, one JSON object a line",
    action: "writing JSON lines",
};

/// Whether threads are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Threads {
    /// As the format's users expect it: apart in formats with a time axis and in pprof's labels, together in the others.
    #[default]
    Usual,
    /// Added up.
    Together,
    /// Apart: a profile, a track or an outermost frame for each.
    Apart,
}

/// What the numbers of collapsed stacks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Weights {
    /// Samples, as the tools that read this format expect.
    #[default]
    Samples,
    /// Microseconds of the selection's view.
    Microseconds,
}

/// Which way a flame graph grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Orientation {
    /// Callers at the bottom.
    #[default]
    Flame,
    /// Callers at the top.
    Icicle,
}

/// What is exported and how it is shown. The default is everything, by wall time, a frame for each function.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// Which samples, measured by what.
    pub selection: Selection,
    /// Whether threads are kept apart.
    pub threads: Threads,
    /// Whether each line of a function is a frame of its own, labelled with that line; else a function is one frame,
    /// labelled with the line of its definition. pprof and Firefox profiles always hold both, pstats always functions.
    pub lines: bool,
    /// What the numbers of collapsed stacks count.
    pub weights: Weights,
    /// Which way a flame graph grows.
    pub orientation: Orientation,
    /// The document's title; empty for one made of the command line.
    pub title: String,
}

impl Options {
    pub(super) fn granularity(&self) -> Granularity {
        if self.lines { Granularity::Line } else { Granularity::Function }
    }

    /// Whether threads are kept apart in a format in which that is usual or not.
    pub(super) fn apart(&self, usual: bool) -> bool {
        match self.threads {
            Threads::Usual => usual,
            Threads::Together => false,
            Threads::Apart => true,
        }
    }

    /// The title, or the command line of the first process with the program's folder left out, or `pyrometer`.
    pub(super) fn title(&self, dictionary: &Dictionary) -> String {
        if !self.title.is_empty() {
            return self.title.clone();
        }
        let command = dictionary.processes().first().map_or("", |process| dictionary.string(process.command));
        let (program, arguments) = command.split_at(command.find(' ').unwrap_or(command.len()));
        let program = program.rsplit('/').next().unwrap_or(program);
        if command.is_empty() { "pyrometer".to_owned() } else { format!("{program}{arguments}") }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn a_format_is_known_by_its_names_and_endings() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
            assert_eq!(Format::from_extension(&format!("a/b{}", format.extension())), Some(format));
        }
        assert_eq!(Format::from_name("RAW"), Some(Format::Collapsed));
        assert_eq!(Format::from_name("chrometrace"), Some(Format::ChromeTrace));
        assert_eq!(Format::from_name("pyro"), None);
        assert_eq!(Format::from_extension("x.json"), Some(Format::Speedscope));
        assert_eq!(Format::from_extension("x.trace.json"), Some(Format::ChromeTrace));
        assert_eq!(Format::from_extension("x.FIREFOX.json"), Some(Format::Firefox));
        assert_eq!(Format::from_extension("x.pb.gz"), Some(Format::Pprof));
        assert_eq!(Format::from_extension("json"), None);
    }
}
