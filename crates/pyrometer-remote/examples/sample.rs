//! Samples a running process, or a command that it starts: `sample [-r HZ] [-s SECONDS] [-c] [--pause] [--budget SHARE]
//! (PID | -- COMMAND …)`. Prints the hottest functions and the audit. A trial of the library; the front is `pyrometer`.
#![allow(clippy::print_stdout, clippy::cast_precision_loss)]

use std::collections::HashMap;
use std::error::Error;
use std::process::{Child, Command};
use std::sync::atomic::AtomicBool;

use pyrometer_model::{Dictionary, Flags, Nanoseconds, SampleRun, StackId, ThreadId};
use pyrometer_remote::sampler::{Options, Session, SessionError};

#[derive(Default)]
struct Totals {
    leaves: HashMap<StackId, (u64, u64)>,
    threads: HashMap<ThreadId, (u64, u64, u64)>,
    flags: HashMap<Flags, u64>,
    runs: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    let (mut pid, mut child): (Option<u32>, Option<Child>) = (None, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "-r" => options.interval = Nanoseconds::from_seconds(1.0 / value()?.parse::<f64>()?),
            "-s" => options.duration = Some(Nanoseconds::from_seconds(value()?.parse()?)),
            "-c" => options.subprocesses = true,
            "--pause" => options.pause = true,
            "--budget" => options.budget = Some(value()?.parse()?),
            "--" => {
                let program = value()?;
                child = Some(Command::new(program).args(arguments.by_ref()).spawn()?);
            }
            other => {
                pid = Some(other.parse()?);
                options.patience = Some(Nanoseconds::ZERO);
            }
        }
    }
    let root = child.as_ref().map(Child::id).or(pid).ok_or("which process?")?;
    let mut session = Session::new(root, options)?;
    let (mut dictionary, mut totals) = (Dictionary::default(), Totals::default());
    let mut sink = |_: &mut Dictionary, runs: &[SampleRun]| -> Result<(), std::convert::Infallible> {
        totals.add(runs);
        Ok(())
    };
    let outcome = session.run(&mut dictionary, &AtomicBool::new(false), &mut sink);
    if let Some(mut child) = child {
        println!("{}", child.wait()?);
    }
    match outcome {
        Ok(outcome) => println!("{outcome:?}"),
        Err(SessionError::Target(error)) => println!("{error}\n  {}", error.hint().unwrap_or_default()),
        Err(SessionError::Sink(never)) => match never {},
    }
    totals.print(&dictionary);
    println!("{:#?}", dictionary.audit);
    println!("{} stacks, {} locations", dictionary.stacks.len(), dictionary.locations().len());
    Ok(())
}

impl Totals {
    fn add(&mut self, runs: &[SampleRun]) {
        self.runs += runs.len();
        for run in runs {
            let leaf = self.leaves.entry(run.stack).or_default();
            leaf.0 += run.wall.0;
            leaf.1 += run.cpu.0;
            let thread = self.threads.entry(run.thread).or_default();
            thread.0 += run.wall.0;
            thread.1 += run.cpu.0;
            thread.2 += u64::from(run.count);
            *self.flags.entry(run.flags).or_default() += run.wall.0;
        }
    }

    fn print(&self, dictionary: &Dictionary) {
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        let mut functions: HashMap<String, (u64, u64)> = HashMap::new();
        for (&stack, &(wall, cpu)) in &self.leaves {
            let place = dictionary.stacks.get(stack).map(|node| dictionary.location(node.location));
            let name = place.map_or_else(
                || "(no frames)".to_owned(),
                |place| format!("{}:{}", dictionary.display_name(dictionary.code(place.code)), place.position.line),
            );
            let sum = functions.entry(name).or_default();
            sum.0 += wall;
            sum.1 += cpu;
        }
        let mut functions: Vec<_> = functions.into_iter().collect();
        functions.sort_by_key(|(_, (wall, _))| std::cmp::Reverse(*wall));
        for (name, (wall, cpu)) in functions.iter().take(15) {
            println!("{:9.3} s wall {:9.3} s cpu  {name}", seconds(*wall), seconds(*cpu));
        }
        let mut threads: Vec<_> = self.threads.iter().collect();
        threads.sort();
        for (&id, (wall, cpu, count)) in threads.into_iter().take(20) {
            let Some(thread) = dictionary.thread(id) else { continue };
            let process = dictionary.process(thread.process);
            println!(
                "thread {} of {}: {:.3} s wall {:.3} s cpu, {count} samples, {:?}",
                dictionary.string(thread.name),
                process.map_or("", |process| dictionary.string(process.command)),
                seconds(*wall),
                seconds(*cpu),
                process.and_then(|process| process.python).map(|python| python.to_string()),
            );
        }
        for (flags, wall) in &self.flags {
            println!("flags {:06b}: {:.3} s", flags.0, seconds(*wall));
        }
        println!(
            "{} processes, {} threads, {} runs",
            dictionary.processes().len(),
            dictionary.threads().len(),
            self.runs
        );
    }
}
