//! What a capture says about itself.

use pyrometer_analyze::AuditReport;

use crate::numbers::{bytes, count, percent, plural, seconds};
use crate::style::{Ink, Style};
use crate::text::Text;

/// The account of a capture in one wrapped paragraph.
#[must_use]
pub fn render_audit(audit: &AuditReport, style: &Style) -> String {
    let mut out = String::new();
    write_audit(audit, style, &mut out);
    out
}

pub(crate) fn write_audit(audit: &AuditReport, style: &Style, out: &mut String) {
    let mut text = Text::new(style, "AUDIT  ", Ink::Bold);
    let parts = parts(audit, style);
    let last = parts.len().saturating_sub(1);
    for (position, (part, is_bad)) in parts.into_iter().enumerate() {
        // The semicolon belongs to the word before it, so that no line begins with one.
        let end = if position < last { "; " } else { "" };
        text.push(style, &format!("{part}{end}"), if is_bad { Ink::Yellow } else { Ink::Dim });
    }
    for line in text.wrap(style.prose_columns(), 7) {
        line.write_line(style, out);
    }
}

fn of(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What is told, and whether it deserves notice.
fn parts(audit: &AuditReport, style: &Style) -> Vec<(String, bool)> {
    let mut parts = vec![(format!("{} tried", plural(audit.tried as usize, "stack", "stacks")), false)];
    if audit.tried > 0 {
        let lost = of(audit.lost, audit.tried);
        parts.push((format!("{} whole", percent(of(audit.whole, audit.tried))), false));
        parts.push((
            format!("{} partial", percent(of(audit.partial, audit.tried))),
            of(audit.partial, audit.tried) > 0.01,
        ));
        let lost_text = if audit.lost == 0 { "0 lost".to_owned() } else { format!("{} lost", percent(lost)) };
        parts.push((lost_text, lost > 0.001));
    }
    if audit.ticks > 0 {
        let late = of(audit.late, audit.ticks);
        let ticks = plural(audit.ticks as usize, "tick", "ticks");
        parts.push((format!("{} of {ticks} late", count(audit.late)), late > 0.05));
        if audit.missed > 0 {
            parts.push((format!("{} left out", count(audit.missed)), of(audit.missed, audit.ticks) > 0.05));
        }
        let fastest = audit.interval_wanted == 0.0;
        let wanted = if fastest { "as fast as possible".to_owned() } else { seconds(style, audit.interval_wanted) };
        let interval = format!(
            "one every {} (wanted {wanted}, longest gap {})",
            seconds(style, audit.interval_mean),
            seconds(style, audit.interval_longest),
        );
        parts.push((interval, !fastest && audit.interval_mean > 1.5 * audit.interval_wanted));
    }
    if let Some(core) = audit.sampler_core {
        let memory = bytes(audit.sampler_peak_memory);
        parts.push((format!("pyrometer used {} of a core and {memory}", percent(core)), core > 0.05));
    }
    if audit.paused {
        let paused = seconds(style, audit.target_paused);
        parts.push((format!("the program was stopped for {paused}"), of_time(audit) > 0.01));
    }
    parts.extend(processes(audit));
    if audit.bytes_cut > 0 {
        parts.push((format!("the file is cut: {} could not be read", bytes(audit.bytes_cut)), true));
    }
    parts.push((format!("figures are sampled; {} is a 95 % interval", style.sign("±", "+-")), false));
    parts
}

fn of_time(audit: &AuditReport) -> f64 {
    if audit.duration > 0.0 { audit.target_paused / audit.duration } else { 0.0 }
}

fn processes(audit: &AuditReport) -> Option<(String, bool)> {
    if audit.processes_seen <= 1 && audit.processes_unsampled == 0 {
        return None;
    }
    let mut text = plural(audit.processes_seen as usize, "process", "processes");
    let unsampled = audit.processes_unsampled;
    if unsampled > 0 {
        text.push_str(&format!(", {} of them too short to sample", count(unsampled)));
    }
    if audit.processes_not_python > 0 {
        text.push_str(&format!(", {} not Python", count(audit.processes_not_python)));
    }
    Some((text, unsampled > 0))
}
