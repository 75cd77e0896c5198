//! The first answer on one screen.

mod notices;

use pyrometer_analyze::{CallerOf, Heat, HotFunction, HotLine, Triage, VerdictKind};

use crate::audit::write_audit;
use crate::columns::{Column, Fit, write};
use crate::numbers::{amount, margin, percent, plural, seconds};
use crate::source::{bar, common_indent, marked_columns};
use crate::style::{Ink, Style};
use crate::text::Text;

/// Yellow functions that are listed; the others are told in one line.
const MOST_YELLOW: usize = 8;

/// The report: the verdict, what else is remarkable, red, yellow and green functions, the audit, what to type next.
#[must_use]
pub fn render_triage(triage: &Triage, style: &Style) -> String {
    let mut out = String::new();
    let page = Page { triage, style };
    page.heading(&mut out);
    page.verdict(&mut out);
    notices::write_notices(triage, style, &mut out);
    page.red(&mut out);
    page.yellow(&mut out);
    page.green(&mut out);
    out.push('\n');
    write_audit(&triage.audit, style, &mut out);
    page.next(&mut out);
    out
}

struct Page<'a> {
    triage: &'a Triage,
    style: &'a Style,
}

impl Page<'_> {
    fn text(&self, text: &str, ink: Ink) -> Text {
        Text::new(self.style, text, ink)
    }

    /// What was measured.
    fn heading(&self, out: &mut String) {
        let (capture, base) = (&self.triage.capture, &self.triage.base);
        let dot = self.style.sign(" · ", " - ");
        let mut facts = Vec::new();
        if let Some(python) = &capture.python {
            facts.push(format!("Python {python}"));
        }
        facts.push(seconds(self.style, base.duration));
        if capture.processes > 1 {
            facts.push(plural(capture.processes, "process", "processes"));
        }
        facts.push(plural(base.threads, "thread", "threads"));
        facts.push(format!("{} of {}", plural(base.samples.round() as usize, "sample", "samples"), base.phrase));
        if base.since.is_some() || base.until.is_some() {
            let end = base.until.map_or_else(|| "the end".to_owned(), |until| seconds(self.style, until));
            facts.push(format!("from {} to {end}", seconds(self.style, base.since.unwrap_or(0.0))));
        }
        if base.is_filtered {
            facts.push("only some threads".to_owned());
        }
        let facts = facts.join(dot);
        let mut line = self.text("pyrometer", Ink::Bold);
        line.push(self.style, dot, Ink::Dim);
        if capture.command.is_empty() {
            line.append(self.text(&facts, Ink::Dim));
            line.wrap(self.style.prose_columns(), 0).iter().for_each(|line| line.write_line(self.style, out));
            out.push('\n');
            return;
        }
        let facts = self.text(&facts, Ink::Dim);
        // The command gives way to the figures, which on a narrow screen get a line of their own.
        let beside = self.style.columns().saturating_sub(line.width() + facts.width() + 3);
        // Where the interpreter is says little; its name is enough.
        let (first, rest) = capture.command.split_once(' ').unwrap_or((&capture.command, ""));
        let first = first.rsplit('/').next().unwrap_or(first);
        let command = self.text(format!("{first} {rest}").trim_end(), Ink::Plain);
        if beside >= command.width().min(70) {
            line.append(command.cut_middle(self.style, beside));
            line.push(self.style, dot, Ink::Dim);
            line.append(facts);
            line.write_line(self.style, out);
        } else {
            let room = self.style.columns().saturating_sub(line.width());
            line.append(command.cut_middle(self.style, room));
            line.write_line(self.style, out);
            facts.wrap(self.style.prose_columns(), 0).iter().for_each(|line| line.write_line(self.style, out));
        }
        out.push('\n');
    }

    fn verdict(&self, out: &mut String) {
        let verdict = &self.triage.verdict;
        let ink = match verdict.kind {
            VerdictKind::Hot => Ink::RedBold,
            VerdictKind::Waiting | VerdictKind::Gil => Ink::CyanBold,
            VerdictKind::Flat => Ink::GreenBold,
            VerdictKind::Empty => Ink::YellowBold,
        };
        for line in self.text(&verdict.text, ink).wrap(self.style.prose_columns(), 0) {
            line.write_line(self.style, out);
        }
    }

    fn section(&self, out: &mut String, name: &str, ink: Ink, text: &str) {
        out.push('\n');
        let mut line = self.text(name, ink.bold());
        line.push(self.style, "  ", Ink::Plain);
        line.push(self.style, text, Ink::Dim);
        for line in line.wrap(self.style.prose_columns(), name.len() + 2) {
            line.write_line(self.style, out);
        }
    }

    fn red(&self, out: &mut String) {
        if self.triage.red.is_empty() {
            return;
        }
        let limit = (self.triage.thresholds.red * 100.0).round();
        let text = format!(
            "more than {limit} % of the {} each, with the library and C code that they call",
            self.triage.base.phrase
        );
        self.section(out, "RED", Ink::Red, &text);
        for (position, hot) in self.triage.red.iter().enumerate() {
            if position > 0 {
                out.push('\n');
            }
            self.hot_function(out, hot);
        }
    }

    fn hot_function(&self, out: &mut String, hot: &HotFunction) {
        let style = self.style;
        let ink = if hot.heat == Heat::Red { Ink::Red } else { Ink::Yellow };
        let mut line = self.text(&format!("{:>8} ", percent(hot.own.share)), ink.bold());
        line.push(style, &margin(style, &hot.own), ink);
        line.push(style, "  ", Ink::Plain);
        line.push(style, &hot.function.label, ink.bold());
        let place = match (hot.function.short_file(), hot.function.first_line) {
            ("", _) => String::new(),
            (file, 0) => format!("  {file}"),
            (file, first) => format!("  {file}:{first}"),
        };
        line.push(style, &place, Ink::Plain);
        let unit = self.triage.base.unit;
        let mut times = format!("  own {}", amount(style, unit, hot.own.amount));
        if (hot.total.share - hot.own.share) > 0.005 {
            times.push_str(&format!(
                ", with what it calls {} ({})",
                amount(style, unit, hot.total.amount),
                percent(hot.total.share)
            ));
        }
        let times = self.text(&times, Ink::Dim);
        if line.width() + times.width() <= style.columns() {
            line.append(times);
        }
        line.cut_end(style, style.columns()).write_line(style, out);
        for hot_line in &hot.lines {
            self.hot_line(out, hot, hot_line);
        }
        self.other_lines(out, hot);
        self.callers(out, hot);
        self.inside(out, hot);
    }

    fn hot_line(&self, out: &mut String, hot: &HotFunction, hot_line: &HotLine) {
        let style = self.style;
        let ink = Ink::of_share(hot_line.share.share);
        let digits = hot.lines.iter().map(|line| line.line).max().unwrap_or(0).to_string().len();
        let mut line = self.text(&format!("{:>8} ", percent(hot_line.share.share)), ink);
        line.append(bar(style, hot_line.share.share, 6));
        let number = if hot_line.line == 0 { "?".to_owned() } else { hot_line.line.to_string() };
        line.push(style, &format!(" {number:>digits$} "), Ink::Dim);
        line.push(style, style.sign("│ ", "| "), Ink::Dim);
        let gutter = line.width();
        let source = hot_line.source.as_deref().unwrap_or("");
        let indent = common_indent(hot.lines.iter().filter_map(|line| line.source.as_deref()));
        let dedented = source.get(indent..).unwrap_or("");
        match hot_line.source {
            Some(_) => line.push(style, dedented, if ink == Ink::Red { Ink::RedBold } else { ink }),
            None => line.push(style, "(source not in the capture)", Ink::Dim),
        }
        line.cut_end(style, style.columns()).write_line(style, out);
        let below = || {
            let mut below = Text::default();
            below.pad_to(gutter - 2);
            below.push(style, style.sign("│ ", "| "), Ink::Dim);
            below
        };
        let marked = hot_line
            .range
            .as_ref()
            .and_then(|range| marked_columns(style, source, hot_line.line, range))
            .map(|(free, marked)| (free.saturating_sub(indent), marked));
        if let Some((free, marked)) = marked.filter(|(free, marked)| gutter + free + marked <= style.columns()) {
            let mut marks = below();
            marks.push(style, &" ".repeat(free), Ink::Plain);
            marks.push(style, &"^".repeat(marked), ink);
            marks.write_line(style, out);
        }
        let callees: Vec<String> = hot_line
            .callees
            .iter()
            .map(|callee| format!("{} {}", callee.function.label, percent(callee.share.share)))
            .collect();
        if !callees.is_empty() {
            let indent = dedented.chars().take_while(|c| *c == ' ').count().min(24);
            let mut text = below();
            text.push(style, &" ".repeat(indent), Ink::Plain);
            text.push(style, style.sign("└ calls ", "` calls "), Ink::Dim);
            text.push(style, &callees.join(", "), ink);
            text.cut_end(style, style.columns()).write_line(style, out);
        }
    }

    fn other_lines(&self, out: &mut String, hot: &HotFunction) {
        if hot.other_lines.count == 0 {
            return;
        }
        let lines = plural(hot.other_lines.count, "other line", "other lines");
        let text = format!("{:>8} {:6} in {lines}", percent(hot.other_lines.share.share), "");
        self.text(&text, Ink::Dim).write_line(self.style, out);
    }

    fn callers(&self, out: &mut String, hot: &HotFunction) {
        let describe = |caller: &CallerOf| {
            let via = caller.via.as_ref().map_or(String::new(), |via| format!(" through {}", via.label));
            let share = if caller.of_own > 0.9995 { String::new() } else { format!(" {}", percent(caller.of_own)) };
            let place = caller.place.as_ref()?;
            let short = place.short();
            let short = if short.is_empty() { short } else { format!(" ({short})") };
            Some(format!("{}{short}{via}{share}", place.function.label))
        };
        let mut callers: Vec<String> = hot.callers.iter().filter_map(describe).collect();
        if callers.is_empty() {
            return;
        }
        if hot.other_callers.count > 0 {
            callers.push(format!("{} more", hot.other_callers.count));
        }
        self.remark(out, "called from", &callers.join(", "));
    }

    /// In which functions of libraries the time passed, unless that was said at the line already.
    fn inside(&self, out: &mut String, hot: &HotFunction) {
        let is_said =
            |name: &str| hot.lines.iter().flat_map(|line| &line.callees).any(|callee| callee.function.label == name);
        if hot.inside.iter().all(|inside| is_said(&inside.function.label)) && hot.other_inside.count == 0 {
            return;
        }
        let mut parts: Vec<String> = hot
            .inside
            .iter()
            .map(|inside| format!("{} {}", inside.function.label, percent(inside.share.share)))
            .collect();
        if hot.own_strict.share >= 0.001 {
            parts.push(format!("itself {}", percent(hot.own_strict.share)));
        }
        if hot.other_inside.count > 0 {
            parts.push(format!("{} more {}", hot.other_inside.count, percent(hot.other_inside.share.share)));
        }
        self.remark(out, "time inside", &parts.join(", "));
    }

    fn remark(&self, out: &mut String, label: &str, text: &str) {
        let mut line = Text::default();
        line.pad_to(9);
        line.push(self.style, label, Ink::Dim);
        line.push(self.style, "  ", Ink::Plain);
        line.push(self.style, text, Ink::Plain);
        for line in line.wrap(self.style.prose_columns(), 9 + label.len() + 2) {
            line.cut_end(self.style, self.style.columns()).write_line(self.style, out);
        }
    }

    fn yellow(&self, out: &mut String) {
        let yellow = &self.triage.yellow;
        if yellow.is_empty() {
            return;
        }
        let thresholds = self.triage.thresholds;
        let text = format!("{:.0} to {:.0} %", thresholds.yellow * 100.0, thresholds.red * 100.0);
        self.section(out, "YELLOW", Ink::Yellow, &text);
        let style = self.style;
        let rows: Vec<Vec<Text>> = yellow.iter().take(MOST_YELLOW).map(|warm| self.yellow_row(warm)).collect();
        let column = |fit, gives_up| Column { title: "", fit, gives_up };
        let columns = [
            column(Fit::Figure, 0),
            column(Fit::Figure, 0),
            column(Fit::Middle, 0),
            column(Fit::Middle, 0),
            column(Fit::End, 1),
        ];
        write(style, out, 1, &columns, &rows);
        if yellow.len() > MOST_YELLOW {
            let rest = &yellow[MOST_YELLOW..];
            let share: f64 = rest.iter().map(|warm| warm.own.share).sum();
            let text = format!("{:>8}  in {}", percent(share), plural(rest.len(), "more function", "more functions"));
            self.text(&text, Ink::Dim).write_line(style, out);
        }
    }

    fn yellow_row(&self, warm: &HotFunction) -> Vec<Text> {
        let line = warm.lines.first();
        let number = line.map_or(warm.function.first_line, |line| line.line);
        let place = match (warm.function.short_file(), number) {
            (file, 0) => file.to_owned(),
            (file, number) => format!("{file}:{number}"),
        };
        let source = line.and_then(|line| line.source.as_deref()).unwrap_or("").trim();
        vec![
            self.text(&percent(warm.own.share), Ink::YellowBold),
            self.text(&margin(self.style, &warm.own), Ink::Yellow),
            self.text(&warm.function.label, Ink::YellowBold),
            self.text(&place, Ink::Plain),
            self.text(source, Ink::Dim),
        ]
    }

    fn green(&self, out: &mut String) {
        let green = &self.triage.green;
        if green.count == 0 {
            return;
        }
        let text = format!(
            "{} under {:.0} %, together {} ({})",
            plural(green.count, "function", "functions"),
            self.triage.thresholds.yellow * 100.0,
            percent(green.share.share),
            margin(self.style, &green.share),
        );
        self.section(out, "GREEN", Ink::Green, &text);
    }

    fn next(&self, out: &mut String) {
        if self.triage.next.is_empty() {
            return;
        }
        self.section(out, "NEXT", Ink::Plain, "");
        // Commands are there to be copied, so they are never cut: what they show goes below them instead.
        let hints = &self.triage.next;
        let widest = hints.iter().map(|hint| self.text(&hint.command, Ink::Bold).width()).max().unwrap_or(0);
        let shows = hints.iter().map(|hint| self.text(&hint.shows, Ink::Dim).width()).max().unwrap_or(0);
        let is_wide = 2 + widest + 2 + shows <= self.style.columns();
        for hint in hints {
            let mut line = Text::default();
            line.pad_to(2);
            line.push(self.style, &hint.command, Ink::Bold);
            let mut shows = Text::default();
            if is_wide {
                line.pad_to(2 + widest + 2);
                line.push(self.style, &hint.shows, Ink::Dim);
            } else {
                shows.pad_to(4);
                shows.push(self.style, &hint.shows, Ink::Dim);
            }
            line.write_line(self.style, out);
            if !is_wide {
                shows.cut_end(self.style, self.style.columns()).write_line(self.style, out);
            }
        }
    }
}
