//! The finding in one sentence. It says only what the samples say: where the time is, not why.

use serde::Serialize;

use super::{Base, Contention, HotFunction, HotLine, Waiting};
use crate::{Share, Unit};

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// A function has more than 10 %.
    Hot,
    /// The main thread waits most of the time, and nothing else is busy.
    Waiting,
    /// Threads spend more time waiting for the GIL than the hottest function takes.
    Gil,
    /// No function has more than 10 %.
    Flat,
    /// There is nothing to judge.
    Empty,
}

/// The finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What kind.
    pub kind: VerdictKind,
    /// In one sentence, English.
    pub text: String,
}

/// `89.1 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `89.1 % (± 0.9)`.
fn with_margin(share: Share) -> String {
    format!("{} (± {:.1})", percent(share.share), (share.margin() * 100.0).max(0.1))
}

pub(super) fn verdict(
    base: &Base,
    red: &[HotFunction],
    yellow: &[HotFunction],
    waiting: Option<&Waiting>,
    gil: Option<&Contention>,
) -> Verdict {
    let hottest = red.first();
    // Who asks for CPU time or for all wall time has an answer to that below, whoever waits.
    let is_active_time = base.view == "wall" && !base.includes_idle;
    if let Some(waiting) = waiting.filter(|waiting| !waiting.others_are_active && is_active_time) {
        let hot = hottest.map_or(String::new(), |hot| format!(" {}", hot_text(base, hot)));
        return Verdict { kind: VerdictKind::Waiting, text: waiting_text(waiting) + &hot };
    }
    if let Some(gil) = gil.filter(|gil| gil.of_active > hottest.map_or(0.0, |hot| hot.own.share) || gil.of_active > 0.5)
    {
        return Verdict { kind: VerdictKind::Gil, text: gil_text(gil, hottest) };
    }
    match (hottest, yellow.first()) {
        (Some(hot), _) => Verdict { kind: VerdictKind::Hot, text: hot_text(base, hot) },
        (None, Some(warm)) => {
            let text = format!(
                "No function takes more than 10 % of the {}; the largest is {}{} with {}.",
                base.phrase,
                warm.function.label,
                place_text(warm.function.short_file(), warm.function.first_line, " (", ")"),
                with_margin(warm.own),
            );
            Verdict { kind: VerdictKind::Flat, text }
        }
        (None, None) if base.amount > 0.0 => {
            let text = format!("No function takes as much as 2 % of the {}.", base.phrase);
            Verdict { kind: VerdictKind::Flat, text }
        }
        (None, None) => Verdict { kind: VerdictKind::Empty, text: empty_text(base) },
    }
}

fn place_text(file: &str, line: u32, before: &str, after: &str) -> String {
    match (file, line) {
        ("", _) => String::new(),
        (file, 0) => format!("{before}{file}{after}"),
        (file, line) => format!("{before}{file}:{line}{after}"),
    }
}

fn hot_text(base: &Base, hot: &HotFunction) -> String {
    let name = &hot.function.label;
    let start = format!("{} of the {} is spent in {name}", with_margin(hot.own), base.phrase);
    let Some(line) = hot.lines.first().filter(|line| line.line > 0) else { return format!("{start}.") };
    let of_function = line.share.share / hot.own.share.max(f64::MIN_POSITIVE);
    let file = hot.function.short_file();
    if of_function < 0.5 {
        let place = place_text(file, hot.function.first_line, " (", ")");
        return format!("{start}{place}; its hottest line, {}, has {}.", line.line, percent(line.share.share));
    }
    let place = place_text(file, line.line, "", "");
    if of_function > 0.95 {
        return format!("{start}, at {place}{}.", calling(line));
    }
    format!("{start}: {} at {place}{}.", percent(line.share.share), calling(line))
}

/// `, calling re.compile`, where one callee has most of the line's time.
fn calling(line: &HotLine) -> String {
    line.callees
        .first()
        .filter(|callee| callee.share.share >= line.share.share / 2.0)
        .map_or(String::new(), |callee| format!(", calling {}", callee.function.label))
}

fn waiting_text(waiting: &Waiting) -> String {
    let who = if waiting.main_threads == 1 { "The main thread waits" } else { "The main threads wait" };
    let start = format!("{who} {} of the time", percent(waiting.of_wall));
    let Some(wait) = waiting.places.first() else { return format!("{start}.") };
    let callee = wait.callee.as_ref().map_or(String::new(), |callee| format!(", calling {}", callee.label));
    let inner = wait.innermost.as_ref().map_or(String::new(), |inner| format!(", which waits in {}", inner.label));
    let place = place_text(wait.place.function.short_file(), wait.place.line, ", at ", "");
    let mostly = if wait.of_wall > 0.9 * waiting.of_wall { "" } else { "mostly " };
    format!("{start}, {mostly}in {}{place}{callee}{inner}.", wait.place.function.label)
}

fn gil_text(gil: &Contention, hottest: Option<&HotFunction>) -> String {
    let start =
        format!("{} threads spend {} of their active time waiting for the GIL", gil.threads, percent(gil.of_active));
    match (gil.holders.first(), hottest) {
        (Some(holder), _) => {
            let place = place_text(holder.place.function.short_file(), holder.place.line, " (", ")");
            format!(
                "{start}; {}{place} holds it {} of the time that it is held.",
                holder.place.function.label,
                percent(holder.of_held)
            )
        }
        (None, _) => format!("{start}."),
    }
}

fn empty_text(base: &Base) -> String {
    if base.unit == Unit::Seconds && base.wall > 0.0 {
        format!("Nothing to judge: {:.2} s were sampled, and none of it is {}.", base.wall, base.phrase)
    } else if base.recorded_to > 0.0 && (base.since.is_some() || base.until.is_some() || base.is_filtered) {
        let from = base.since.unwrap_or(0.0);
        let span = match (base.since, base.until) {
            (None, None) => String::new(),
            (_, None) => format!(" from {from} s on"),
            (_, Some(until)) => format!(" between {from} s and {until} s"),
        };
        let threads = if base.is_filtered { " of the threads asked for" } else { "" };
        let (first, last) = (base.recorded_from, base.recorded_to);
        format!(
            "Nothing to judge: there are no samples{threads}{span}; the recording has some from {first:.2} to {last:.2} s."
        )
    } else {
        "Nothing to judge: there are no samples. The program may have ended before the first one.".to_owned()
    }
}
