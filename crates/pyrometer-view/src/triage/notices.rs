//! What is remarkable beside the functions, one line each.

use pyrometer_analyze::{ProcessRow, ThreadRow, Triage, Wait};

use crate::numbers::{percent, plural, seconds};
use crate::style::{Ink, Style};
use crate::text::Text;

pub(super) fn write_notices(triage: &Triage, style: &Style, out: &mut String) {
    let mut notices: Vec<(&str, String)> = Vec::new();
    notices.extend(processes(triage).map(|text| ("PROCESSES", text)));
    notices.extend(threads(triage).map(|text| ("THREADS", text)));
    notices.extend(waiting(triage, style).map(|text| ("WAITING", text)));
    notices.extend(gil(triage, style).map(|text| ("GIL", text)));
    notices.extend(collector(triage, style).map(|text| ("GC", text)));
    notices.extend(starved(triage).map(|text| ("NO CPU", text)));
    notices.extend(unproven(triage).map(|text| ("UNKNOWN", text)));
    if !notices.is_empty() {
        out.push('\n');
    }
    let label_width = notices.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + 2;
    for (label, text) in notices {
        let mut line = Text::new(style, label, Ink::CyanBold);
        line.pad_to(label_width);
        line.push(style, &text, Ink::Plain);
        for line in line.wrap(style.prose_columns(), label_width) {
            line.write_line(style, out);
        }
    }
}

fn processes(triage: &Triage) -> Option<String> {
    let name = |process: &ProcessRow| {
        let exit = process.exit.as_deref().filter(|exit| *exit != "exit 0");
        let exit = exit.map_or(String::new(), |exit| format!(" ({exit})"));
        // A program's own name tells more than where its interpreter is.
        let command = process.command.split(' ').map(|word| word.rsplit('/').next().unwrap_or(word));
        let command: Vec<&str> = command.take(4).collect();
        format!("{} of {} ({}){exit}", percent(process.times.share), command.join(" "), process.pid)
    };
    list(triage.processes.iter().map(name).collect(), triage.capture.processes)
}

fn threads(triage: &Triage) -> Option<String> {
    let name = |thread: &ThreadRow| {
        let name = if thread.name.is_empty() { thread.native_id.to_string() } else { thread.name.clone() };
        // Threads that Python has not named all have the kernel's name, which is the program's.
        let is_shared = triage.threads.iter().filter(|other| other.name == thread.name).count() > 1;
        let process_says_it = !triage.processes.is_empty() && thread.native_id == u64::from(thread.pid);
        let name = if is_shared && !process_says_it { format!("{name} {}", thread.native_id) } else { name };
        let process = if triage.processes.is_empty() { String::new() } else { format!(" ({})", thread.pid) };
        format!("{} {name}{process}", percent(thread.times.share))
    };
    list(triage.threads.iter().map(name).collect(), triage.base.threads)
}

/// What is told, and how many there are besides; nothing where nothing is told.
fn list(mut told: Vec<String>, all: usize) -> Option<String> {
    if told.is_empty() {
        return None;
    }
    let others = all.saturating_sub(told.len());
    if others > 0 {
        told.push(plural(others, "other", "others"));
    }
    Some(told.join(", "))
}

fn waiting(triage: &Triage, style: &Style) -> Option<String> {
    let waiting = triage.waiting.as_ref()?;
    let who = if waiting.main_threads == 1 {
        "the main thread".to_owned()
    } else {
        format!("{} main threads", waiting.main_threads)
    };
    let mut text = format!(
        "{who}: {} of {} spent blocked, not counted below",
        percent(waiting.of_wall),
        seconds(style, waiting.wall)
    );
    if waiting.others_are_active {
        text.push_str(", while other threads were active");
    }
    let places: Vec<String> = waiting.places.iter().map(place).collect();
    if !places.is_empty() {
        text.push_str(": ");
        text.push_str(&places.join(", "));
    }
    if triage.base.includes_idle || triage.base.view != "wall" {
        text = text.replace(", not counted below", "");
    }
    Some(text)
}

fn place(wait: &Wait) -> String {
    let callee = wait.callee.as_ref().map_or(String::new(), |callee| format!(" calling {}", callee.label));
    let inner = wait.innermost.as_ref().map_or(String::new(), |inner| format!(" (in {})", inner.label));
    let short = wait.place.short();
    let short = if short.is_empty() { short } else { format!(" at {short}") };
    format!("{} in {}{short}{callee}{inner}", percent(wait.of_wall), wait.place.function.label)
}

fn gil(triage: &Triage, style: &Style) -> Option<String> {
    let gil = triage.gil.as_ref()?;
    let mut text = format!(
        "{} threads waited {} for it, {} of their active time",
        gil.threads,
        seconds(style, gil.wanted),
        percent(gil.of_active)
    );
    let holders: Vec<String> = gil
        .holders
        .iter()
        .map(|holder| {
            let short = holder.place.short();
            let short = if short.is_empty() { short } else { format!(" ({short})") };
            format!("{}{short} {}", holder.place.function.label, percent(holder.of_held))
        })
        .collect();
    if !holders.is_empty() {
        text.push_str("; it was held by ");
        text.push_str(&holders.join(", "));
    }
    Some(text)
}

fn collector(triage: &Triage, style: &Style) -> Option<String> {
    let collector = triage.collector.as_ref()?;
    let mut text = format!(
        "the garbage collector took {}, {} of the active time",
        seconds(style, collector.amount),
        percent(collector.of_active)
    );
    let places: Vec<String> = collector
        .places
        .iter()
        .map(|at| {
            let short = at.place.short();
            let short = if short.is_empty() { short } else { format!(" ({short})") };
            format!("{} in {}{short}", percent(at.of_collecting), at.place.function.label)
        })
        .chain(
            (collector.without_python >= 0.01)
                .then(|| format!("{} without Python frames, as when Python ends", percent(collector.without_python))),
        )
        .collect();
    if !places.is_empty() {
        text.push_str("; of that, ");
        text.push_str(&places.join(", "));
    }
    Some(text)
}

fn starved(triage: &Triage) -> Option<String> {
    let starved = triage.starved.filter(|_| triage.base.view == "wall")?;
    let share = percent(starved.of_active);
    Some(format!(
        "{share} of the active time threads were ready to run, and others had the processors; `--view cpu` counts only time \
         on a processor"
    ))
}

fn unproven(triage: &Triage) -> Option<String> {
    let (unknown, no_python) = (triage.unproven.unknown.share, triage.unproven.no_python.share);
    let least = triage.thresholds.unproven;
    let mut parts = Vec::new();
    if unknown > least {
        parts.push(format!("{} in stacks whose innermost part changed while they were read", percent(unknown)));
    }
    if no_python > least {
        parts.push(format!(
            "{} while Python was starting or ending, or in threads without Python frames",
            percent(no_python)
        ));
    }
    (!parts.is_empty()).then(|| format!("{}; put down to no function", parts.join(", ")))
}
