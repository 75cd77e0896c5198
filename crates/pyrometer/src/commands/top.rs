//! `pyrometer top`: watching a program live.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::process::{Child, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pyrometer_model::{Audit, Dictionary, Nanoseconds, SampleRun, View};
use pyrometer_remote::os::process;
use pyrometer_remote::sampler::{End, Options};
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::{DefaultTerminal, Terminal};

use crate::flags::{Top, ViewFlag};
use crate::launch::{Program, Target};
use crate::recording;
use crate::top::live::{Live, Row, ThreadRow};
use crate::top::screen::{Header, Picture, draw};
use crate::top::state::{Action, State};

/// How much of what the program printed is shown after the screen is left.
const MOST_OUTPUT: u64 = 64 << 10;

/// What the sampling thread and the drawing one share.
#[derive(Debug, Default)]
struct Shared {
    live: Live,
    audit: Audit,
    python: String,
    /// How sampling ended.
    end: Option<String>,
    absorbed: Option<Instant>,
    /// Set to have what was sampled handed over.
    wish: Arc<AtomicBool>,
}

type SharedHandle = Arc<Mutex<Shared>>;

/// Shows the screen until it is left.
///
/// # Errors
/// When there is no terminal, or the process cannot be sampled.
pub fn run(flags: &Top) -> Result<ExitCode> {
    if !std::io::stdout().is_terminal() {
        bail!(
            "top needs a terminal to draw on\nhint: `pyrometer record` writes to a file, `pyrometer dump` prints once"
        );
    }
    let mut started = None;
    let pid = match (flags.pid, single_pid(flags)) {
        (Some(pid), _) | (None, Some(pid)) => pid,
        (None, None) => {
            let program = Program::resolve(Target::Command(&flags.target), flags.python.as_deref())?;
            started.insert(Started::spawn(&program)?).child.id()
        }
    };
    let mut options = recording::options(&flags.sampling);
    if started.is_none() {
        options.patience = Some(Nanoseconds::from_millis(1000));
    }
    let target =
        format!("{pid} {}", started.as_ref().map_or_else(|| process::command_line(pid), |s| s.command.clone()));
    let shared = SharedHandle::default();
    let stop = Arc::new(AtomicBool::new(false));
    let sampling = sample(pid, options, &shared, &stop)?;
    let view = match flags.view {
        _ if flags.gil => View::Gil,
        ViewFlag::Wall => View::Wall,
        ViewFlag::Cpu => View::Cpu,
        ViewFlag::Gil => View::Gil,
    };
    if let Some(note) = flags.habits.note() {
        eprintln!("pyrometer: note: {note}");
    }
    let redraw = Duration::try_from_secs_f64(flags.delay.clamp(0.05, 60.0)).unwrap_or(Duration::from_millis(250));
    let shown = ratatui::try_init()
        .context("cannot draw on the terminal")
        .and_then(|terminal| show(terminal, State::new(view, flags.idle), redraw, &target, &shared, started.as_mut()));
    ratatui::restore();
    stop.store(true, Ordering::Release);
    if let Some(started) = started {
        started.end()?;
    }
    let sampled = sampling.join().unwrap_or(Ok(End::Stopped));
    shown?;
    let nothing_seen = shared.lock().unwrap_or_else(PoisonError::into_inner).live.samples() == 0;
    match sampled {
        Err(error) if nothing_seen => Err(error).with_context(|| format!("cannot sample process {pid}")),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// `top 123` means a pid, unless there is a file of that name.
fn single_pid(flags: &Top) -> Option<u32> {
    let [word] = flags.target.as_slice() else { return None };
    if std::path::Path::new(word).exists() { None } else { word.to_str()?.parse().ok() }
}

/// A program that was started for this, its output kept off the screen.
struct Started {
    child: Child,
    command: String,
    printed: File,
}

impl Started {
    fn spawn(program: &Program) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("pyrometer-top.{}.out", std::process::id()));
        let mut options = File::options();
        let printed =
            options.read(true).append(true).create_new(true).open(&path).context("cannot keep the program's output")?;
        // Without a name it goes away by itself.
        std::fs::remove_file(&path).context("cannot keep the program's output")?;
        let copy = || printed.try_clone().context("cannot keep the program's output");
        let child = std::process::Command::new(&program.executable)
            .args(&program.arguments)
            .stdin(Stdio::null())
            .stdout(copy()?)
            .stderr(copy()?)
            .spawn()
            .with_context(|| format!("cannot start {}", program.executable.display()))?;
        Ok(Self { child, command: program.command_line(), printed })
    }

    /// Ends the program, politely at first, and shows what it printed.
    fn end(mut self) -> Result<()> {
        let terminate = |child: &Child| {
            let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
            pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM))
        };
        if self.child.try_wait().context("cannot wait for the program")?.is_none() {
            terminate(&self.child);
            let patience = Instant::now() + Duration::from_secs(2);
            while self.child.try_wait().context("cannot wait for the program")?.is_none() {
                if Instant::now() > patience {
                    self.child.kill().context("cannot end the program")?;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        let length = self.printed.seek(SeekFrom::End(0)).unwrap_or(0);
        let skipped = length.saturating_sub(MOST_OUTPUT);
        let mut text = Vec::new();
        self.printed
            .seek(SeekFrom::Start(skipped))
            .and_then(|_| self.printed.read_to_end(&mut text))
            .context("cannot read what the program printed")?;
        if skipped > 0 {
            eprintln!("pyrometer: note: the first {skipped} bytes that the program printed are left out");
        }
        std::io::stdout().write_all(&text).context("cannot show what the program printed")
    }
}

fn sample(
    pid: u32,
    options: Options,
    shared: &SharedHandle,
    stop: &Arc<AtomicBool>,
) -> Result<thread::JoinHandle<Result<End>>> {
    let (shared, stop) = (Arc::clone(shared), Arc::clone(stop));
    let wish = Arc::clone(&shared.lock().unwrap_or_else(PoisonError::into_inner).wish);
    let work = move || {
        let mut absorb = |dictionary: &mut Dictionary, runs: &[SampleRun]| {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let elapsed = shared.absorbed.replace(now).map_or(0.0, |last| (now - last).as_secs_f64());
            shared.live.absorb(dictionary, runs, elapsed);
            shared.audit = dictionary.audit;
            if shared.python.is_empty()
                && let Some(version) = dictionary.processes().iter().find_map(|process| process.python)
            {
                shared.python = format!("Python {version}");
            }
        };
        let result = recording::drive(pid, options, &stop, wish, &mut absorb);
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.end = Some(match &result {
            Ok(End::Duration) => "the time is over".to_owned(),
            Ok(_) => "the program has ended".to_owned(),
            Err(error) => error.to_string(),
        });
        result
    };
    thread::Builder::new().name("sampler".into()).spawn(work).context("cannot start the sampling thread")
}

fn show(
    mut terminal: DefaultTerminal,
    mut state: State,
    redraw: Duration,
    target: &str,
    shared: &SharedHandle,
    mut started: Option<&mut Started>,
) -> Result<()> {
    let color = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut header = Header { target: target.to_owned(), ..Header::default() };
    let (mut rows, mut threads) = (Vec::new(), Vec::new());
    loop {
        if !state.paused {
            look(shared, &state, &mut rows, &mut threads, &mut header);
        }
        state.order(&mut rows);
        if let Some(started) = started.as_deref_mut()
            && let Ok(Some(status)) = started.child.try_wait()
        {
            header.ended = format!("the program has ended: {status}; q leaves");
        }
        draw_once(&mut terminal, &state, &header, &rows, &threads, color)?;
        if !event::poll(redraw).context("cannot read keys")? {
            continue;
        }
        let ids: Vec<_> = threads.iter().map(|thread| thread.id).collect();
        // Keys that were typed faster than the screen is drawn are all done before the next drawing.
        while event::poll(Duration::ZERO).context("cannot read keys")? {
            let Event::Key(key) = event::read().context("cannot read keys")? else { continue };
            match state.press(key, &ids) {
                _ if key.kind == KeyEventKind::Release => {}
                Action::Quit => return Ok(()),
                Action::Reset => shared.lock().unwrap_or_else(PoisonError::into_inner).live = Live::default(),
                Action::Redraw => {}
            }
        }
    }
}

fn draw_once(
    terminal: &mut Terminal<impl ratatui::backend::Backend<Error = std::io::Error>>,
    state: &State,
    header: &Header,
    rows: &[Row],
    threads: &[ThreadRow],
    color: bool,
) -> Result<()> {
    let picture = Picture { state, header, rows, threads, color };
    terminal.draw(|frame| draw(frame, &picture)).map(drop).context("cannot draw on the terminal")
}

/// Takes over what there is now.
fn look(shared: &SharedHandle, state: &State, rows: &mut Vec<Row>, threads: &mut Vec<ThreadRow>, header: &mut Header) {
    let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    // What is asked for now is on the next screen.
    shared.wish.store(true, Ordering::Release);
    *rows = shared.live.rows(state.question());
    *threads = shared.live.thread_rows();
    let audit = &shared.audit;
    header.python = if shared.python.is_empty() { "waiting for Python".into() } else { shared.python.clone() };
    header.audit = describe(audit);
    if let Some(end) = &shared.end
        && header.ended.is_empty()
    {
        header.ended = format!("{end}; q leaves");
    }
}

#[allow(clippy::cast_precision_loss)]
fn describe(audit: &Audit) -> String {
    if audit.tried == 0 {
        return "no samples yet".into();
    }
    let share = |part: u64| 100.0 * part as f64 / audit.tried as f64;
    let seconds = audit.duration.as_seconds();
    let used = if seconds > 0.0 { 100.0 * audit.sampler_cpu.as_seconds() / seconds } else { 0.0 };
    let rate = if seconds > 0.0 { audit.ticks as f64 / seconds } else { 0.0 };
    let unproven = share(audit.tried.saturating_sub(audit.whole));
    format!(
        "{rate:.0} samples/s   {:.2} % whole, {unproven:.2} % not   pyrometer uses {used:.1} % of a core",
        share(audit.whole)
    )
}
