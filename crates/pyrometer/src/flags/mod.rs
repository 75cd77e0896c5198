//! What can be typed. The structs here are the raw flags, as clap reads them; what they come to is decided once, in
//! [`values`] and in each command, so that no command looks at a raw string.

pub mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use values::{Rate, Share, Span};

/// Where does a Python program spend its time, on which line, how sure is that, and what should be done about it?
#[derive(Debug, Parser)]
#[command(name = "pyrometer", version, propagate_version = true, max_term_width = 100, arg_required_else_help = true)]
pub struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order a newcomer meets them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a program, sample it, and say what is slow.
    Run(Run),
    /// Sample a process that already runs (or a command), into a file.
    Record(Record),
    /// Show what a recorded program spent its time on.
    Report(Report),
    /// Print what every thread of a process is doing right now.
    Dump(Dump),
    /// Watch a process live, function by function.
    Top(Top),
    /// Convert a capture into another tool's format.
    Export(Export),
}

/// How to sample.
#[derive(Debug, Clone, Args)]
pub struct Sampling {
    /// Samples a second: 1000, 1khz, 10khz, 0.5hz; `max` samples as fast as it can.
    #[arg(short, long, default_value = "1khz", value_name = "HZ", help_heading = "Sampling")]
    pub rate: Rate,
    /// Also sample the processes that the program starts (fork, spawn, multiprocessing, exec).
    #[arg(short = 's', long, help_heading = "Sampling")]
    pub subprocesses: bool,
    /// Stop the threads while their stacks are read. Without it the program is never stopped.
    #[arg(long, help_heading = "Sampling")]
    pub pause: bool,
    /// The most of one core that pyrometer may use, for example 1%: the rate is lowered to keep under it.
    #[arg(long, value_name = "SHARE", help_heading = "Sampling")]
    pub budget: Option<Share>,
    /// Stop after this long: 30, 30s, 5m, 500ms, or `unlimited`.
    #[arg(short, long, value_name = "TIME", help_heading = "Sampling")]
    pub duration: Option<Span>,
    /// Do not name the C function that a Python line is calling.
    #[arg(long, help_heading = "Sampling")]
    pub no_native_callees: bool,
}

/// Which of a capture's samples to look at.
#[derive(Debug, Clone, Default, Args)]
pub struct Choice {
    /// What is counted: active wall time, CPU time, or time holding the GIL.
    #[arg(long, value_enum, value_name = "VIEW", help_heading = "Selection")]
    pub view: Option<ViewFlag>,
    /// Only threads with this name, native id or number (may be given several times).
    #[arg(long, value_name = "THREAD", help_heading = "Selection")]
    pub thread: Vec<String>,
    /// Only processes with this pid (may be given several times).
    #[arg(long, value_name = "PID", help_heading = "Selection")]
    pub process: Vec<u32>,
    /// Only what happened after this much of the recording: 1.5, 10s, 2m.
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub since: Option<Span>,
    /// Only what happened before this much of the recording.
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    pub until: Option<Span>,
    /// Count time in which a thread was blocked, too.
    #[arg(long, help_heading = "Selection")]
    pub idle: bool,
}

/// The views of one capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ViewFlag {
    /// Time on the clock.
    Wall,
    /// Time that the kernel accounted to the thread.
    Cpu,
    /// Time holding the GIL.
    Gil,
}

/// What the report looks like.
#[derive(Debug, Clone, Default, Args)]
pub struct Looks {
    /// Colours: auto means when writing to a terminal and `NO_COLOR` is not set.
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN", help_heading = "Output")]
    pub color: ColorFlag,
    /// Columns to fit the report into, instead of the terminal's.
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub width: Option<usize>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorFlag {
    /// When writing to a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What py-spy's users type and what is always so here: nothing is stopped, and file names are whole.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Habits {
    /// The program is never stopped unless --pause asks for it.
    #[arg(long, hide = true)]
    pub nonblocking: bool,
    /// File names are always whole.
    #[arg(long, hide = true)]
    pub full_filenames: bool,
    /// C functions that Python lines call are named where that is known; frames of C code are not recorded.
    #[arg(short = 'n', long, hide = true)]
    pub native: bool,
}

impl Habits {
    /// What to tell somebody who asked for what there is not, if they did.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        self.native.then_some(
            "frames of C code are not recorded; the C functions that Python lines call are named where known",
        )
    }
}

/// Whether the first word of a command is an option that was mistyped, as clap cannot know where a command begins.
///
/// # Errors
/// That there is no such option.
pub fn check_command(words: &[OsString]) -> Result<(), clap::Error> {
    let Some(word) = words.first().map(|word| word.to_string_lossy()).filter(|word| word.starts_with('-')) else {
        return Ok(());
    };
    let message = format!("unexpected argument '{word}' found\n\n  tip: a script of that name is written './{word}'\n");
    Err(Flags::command().error(clap::error::ErrorKind::UnknownArgument, message))
}

/// `pyrometer run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "pyrometer run [OPTIONS] SCRIPT [ARGS]...\n       pyrometer run [OPTIONS] -m MODULE [ARGS]...\n       pyrometer run [OPTIONS] -c CODE [ARGS]...\n       pyrometer run [OPTIONS] -- COMMAND [ARGS]..."
)]
pub struct Run {
    /// How to sample.
    #[command(flatten)]
    pub sampling: Sampling,
    /// What the report looks like.
    #[command(flatten)]
    pub looks: Looks,
    /// Where to write the capture; an ending such as .svg or .json writes that format instead.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Format of the output file, when its name does not tell.
    #[arg(short, long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<String>,
    /// Write the report as JSON to standard error, or to FILE.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Do not print the report.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// The Python to run scripts, modules and code with.
    #[arg(long, value_name = "PATH", help_heading = "Program")]
    pub python: Option<PathBuf>,
    /// Run a module, as `python -m` does; all that follows goes to it.
    #[arg(short, num_args = 1.., allow_hyphen_values = true, value_name = "MODULE [ARGS]", help_heading = "Program")]
    pub module: Option<Vec<OsString>>,
    /// Run code, as `python -c` does; all that follows goes to it.
    #[arg(short, num_args = 1.., allow_hyphen_values = true, value_name = "CODE [ARGS]", conflicts_with = "module", help_heading = "Program")]
    pub code: Option<Vec<OsString>>,
    /// A Python script, or any command that ends up being Python, and its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCRIPT", conflicts_with_all = ["module", "code"], required_unless_present_any = ["module", "code"])]
    pub target: Vec<OsString>,
}

/// `pyrometer record`.
#[derive(Debug, Args)]
#[command(
    override_usage = "pyrometer record [OPTIONS] --pid PID\n       pyrometer record [OPTIONS] -- COMMAND [ARGS]..."
)]
pub struct Record {
    /// The process to sample.
    #[arg(short, long, value_name = "PID", value_parser = values::pid, required_unless_present = "target")]
    pub pid: Option<u32>,
    /// How to sample.
    #[command(flatten)]
    pub sampling: Sampling,
    /// What the report looks like.
    #[command(flatten)]
    pub looks: Looks,
    /// Where to write; an ending such as .svg or .json chooses the format.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Format of the output: pyro, or one that `pyrometer export` knows.
    #[arg(short, long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<String>,
    /// In an exported format: only samples that hold the GIL.
    #[arg(short, long, help_heading = "Output")]
    pub gil: bool,
    /// In an exported format: count blocked threads, too.
    #[arg(short, long, help_heading = "Output")]
    pub idle: bool,
    /// In an exported format: one frame a function, not a line.
    #[arg(short = 'F', long, help_heading = "Output")]
    pub function: bool,
    /// In an exported format: keep threads apart.
    #[arg(short, long, help_heading = "Output")]
    pub threads: bool,
    /// The flags of py-spy that need nothing here.
    #[command(flatten)]
    pub habits: Habits,
    /// In an exported format: one frame a function, as py-spy calls it.
    #[arg(long, hide = true)]
    pub nolineno: bool,
    /// Write the report as JSON to standard error, or to FILE.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Do not print the report.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// How a Python program asks its own recorder to begin and end: file descriptor to write to when sampling has begun.
    #[arg(long, hide = true, value_name = "FD")]
    pub ready_fd: Option<i32>,
    /// File descriptor whose closing ends the recording.
    #[arg(long, hide = true, value_name = "FD")]
    pub stop_fd: Option<i32>,
    /// A command to start and sample.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND", conflicts_with = "pid")]
    pub target: Vec<OsString>,
}

/// `pyrometer report`.
#[derive(Debug, Args)]
pub struct Report {
    /// A capture.
    pub file: PathBuf,
    /// Which samples to look at.
    #[command(flatten)]
    pub choice: Choice,
    /// What the report looks like.
    #[command(flatten)]
    pub looks: Looks,
    /// A table of functions, sorted by this.
    #[arg(long, value_enum, value_name = "KEY")]
    pub sort: Option<SortFlag>,
    /// At most this many rows.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only functions whose name or file matches.
    #[arg(long, value_name = "REGEX")]
    pub function: Option<String>,
    /// Who calls this function (name, module:name, file:line or regex).
    #[arg(long, value_name = "FUNCTION", group = "question")]
    pub callers: Option<String>,
    /// What this function calls.
    #[arg(long, value_name = "FUNCTION", group = "question")]
    pub callees: Option<String>,
    /// The lines of this function, with their shares.
    #[arg(long, value_name = "FUNCTION", group = "question")]
    pub lines: Option<String>,
    /// The call tree, with library frames folded.
    #[arg(long, group = "question")]
    pub tree: bool,
    /// What each thread did.
    #[arg(long, group = "question")]
    pub threads: bool,
    /// What each process did.
    #[arg(long, group = "question")]
    pub processes: bool,
    /// JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What to sort functions by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortFlag {
    /// Time in the function itself.
    Own,
    /// Time in the function and what it calls.
    Total,
    /// Calls, where they were counted.
    Calls,
    /// Name.
    Name,
}

/// `pyrometer dump`.
#[derive(Debug, Args)]
#[command(override_usage = "pyrometer dump [OPTIONS] PID")]
pub struct Dump {
    /// The process.
    #[arg(value_name = "PID", value_parser = values::pid, required_unless_present = "pid_option")]
    pub pid: Option<u32>,
    /// The process, as py-spy takes it.
    #[arg(short = 'p', long = "pid", value_name = "PID", value_parser = values::pid, conflicts_with = "pid")]
    pub pid_option: Option<u32>,
    /// Show the local variables of each frame.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub locals: u8,
    /// Also dump its child processes.
    #[arg(short, long)]
    pub subprocesses: bool,
    /// JSON instead of text.
    #[arg(short, long)]
    pub json: bool,
    /// Stop the threads while their stacks are read.
    #[arg(long)]
    pub pause: bool,
    /// The flags of py-spy that need nothing here.
    #[command(flatten)]
    pub habits: Habits,
    /// What the output looks like.
    #[command(flatten)]
    pub looks: Looks,
}

/// `pyrometer top`.
#[derive(Debug, Args)]
#[command(override_usage = "pyrometer top [OPTIONS] PID\n       pyrometer top [OPTIONS] -- COMMAND [ARGS]...")]
pub struct Top {
    /// The process, as py-spy takes it.
    #[arg(short = 'p', long = "pid", value_name = "PID", value_parser = values::pid)]
    pub pid: Option<u32>,
    /// How to sample.
    #[command(flatten)]
    pub sampling: Sampling,
    /// What is counted.
    #[arg(long, value_enum, default_value = "wall", value_name = "VIEW")]
    pub view: ViewFlag,
    /// Count blocked threads, too.
    #[arg(short, long)]
    pub idle: bool,
    /// Only time holding the GIL (the same as --view gil).
    #[arg(short, long)]
    pub gil: bool,
    /// The flags of py-spy that need nothing here.
    #[command(flatten)]
    pub habits: Habits,
    /// Seconds between two drawings.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.25)]
    pub delay: f64,
    /// The Python to run scripts with.
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// A pid, or a script or command to start and its arguments.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PID | COMMAND",
        required_unless_present = "pid",
        conflicts_with = "pid"
    )]
    pub target: Vec<OsString>,
}

/// `pyrometer export`.
#[derive(Debug, Args)]
pub struct Export {
    /// A capture.
    pub file: PathBuf,
    /// Where to write; its ending chooses the format. `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The format, when the file's ending does not tell.
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Which samples to export.
    #[command(flatten)]
    pub choice: Choice,
    /// One frame a function, not a line.
    #[arg(short = 'F', long)]
    pub function: bool,
    /// Keep threads apart.
    #[arg(short, long)]
    pub threads: bool,
    /// In collapsed stacks: write microseconds instead of numbers of samples.
    #[arg(long)]
    pub microseconds: bool,
    /// In a flame graph: callers at the top.
    #[arg(long)]
    pub icicle: bool,
    /// The title of a drawing.
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
}
