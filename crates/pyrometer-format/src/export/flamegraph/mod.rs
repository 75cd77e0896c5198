//! A flame graph: one SVG file that any browser opens, with search and zoom in it and nothing fetched from anywhere.
//!
//! Boxes are placed in per cent of the picture's width, so that it fills the window; the script in it writes the labels
//! anew for the room there is. Without script (as an image in a page) it is a picture 1200 pixels wide.

mod color;
mod layout;

use pyrometer_model::{Dictionary, SampleSource, View};

use super::figures::{duration, grouped, share};
use super::frames::{Origin, origin};
use super::sink::Sink;
use super::tree::{Amount, Profile, ROOT, Roots};
use super::{Options, Orientation};
use crate::Result;
use layout::{Layout, Measure, Placed, What, fold, lay_out};

const STYLE: &str = include_str!("flamegraph.css");
const SCRIPT: &str = include_str!("flamegraph.js");

/// Pixels: the width without script, the rows, and what stands above and below them.
const WIDTH: f64 = 1200.0;
const ROW: u32 = 18;
const HEADER: u32 = 70;
const FOOTER: u32 = 62;
/// The share of the width that the boxes take.
const INNER: f64 = 0.98;
/// The width of a letter at 12 pixels, and the room left and right of a label.
const LETTER: f64 = 7.23;
const PADDING: f64 = 4.0;

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let roots = Roots::choose(dictionary, &options.selection, options.apart(false));
    let profile = Profile::collect(dictionary, source, &options.selection, options.granularity(), roots)?;
    let (profile, depth, folded) = fold(profile);
    let count = u32::try_from(profile.tree.frames.list().len()).unwrap_or(u32::MAX);
    let labels: Vec<String> = (0..count).map(|frame| one_line(&profile.tree.frames.label(frame))).collect();
    let mut layout = lay_out(&profile, &labels);
    (layout.depth, layout.folded) = (depth, folded);
    let total = layout.boxes.first().map_or_else(Amount::default, |all| all.total);
    let picture = Picture { profile, labels, measure: Measure::of(total), options, dictionary, layout };
    picture.write(total, sink)
}

struct Picture<'d, 'o> {
    profile: Profile<'d>,
    labels: Vec<String>,
    measure: Measure,
    options: &'o Options,
    dictionary: &'d Dictionary,
    layout: Layout,
}

impl Picture<'_, '_> {
    fn write(&self, total: Amount, sink: &mut Sink<'_>) -> Result<()> {
        let height = HEADER + self.layout.rows.max(1) * ROW + FOOTER;
        let title = xml(&one_line(&self.options.title(self.dictionary)));
        writeln!(sink, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        write!(sink, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" ")?;
        writeln!(sink, "viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"title subtitle\">")?;
        writeln!(sink, "<style>\n{STYLE}</style>")?;
        writeln!(sink, "<rect id=\"page\" width=\"100%\" height=\"100%\"/>")?;
        writeln!(sink, "<text id=\"title\" x=\"1%\" y=\"30\">{title}</text>")?;
        writeln!(sink, "<text id=\"subtitle\" x=\"1%\" y=\"50\">{}</text>", xml(&self.subtitle(total)))?;
        self.write_controls(sink)?;
        writeln!(
            sink,
            "<svg id=\"frames\" x=\"1%\" y=\"{HEADER}\" width=\"98%\" height=\"{}\">",
            height - HEADER - FOOTER
        )?;
        for placed in &self.layout.boxes {
            self.write_box(placed, sink)?;
        }
        writeln!(sink, "</svg>")?;
        if self.layout.boxes.is_empty() {
            let y = HEADER + 2 * ROW;
            writeln!(sink, "<text id=\"nothing\" x=\"1%\" y=\"{y}\">No samples: there is nothing to show.</text>")?;
        }
        self.write_footer(height, sink)?;
        writeln!(sink, "<script>\n//<![CDATA[\n{SCRIPT}//]]>\n</script>\n</svg>")
    }

    fn subtitle(&self, total: Amount) -> String {
        let samples = total.whole_samples();
        let mut words = vec![format!("{} sample{}", grouped(samples), if samples == 1 { "" } else { "s" })];
        let selection = &self.options.selection;
        if total.time.0 > 0 {
            words.push(format!("{} of {}", duration(total.time), selection.view.quantity()));
        }
        if selection.view == View::Wall && !selection.include_idle {
            words.push("idle time left out".to_owned());
        }
        let processes = self.dictionary.processes();
        if let [process] = processes
            && let Some(python) = process.python
        {
            words.push(format!("Python {python}"));
        }
        if processes.len() > 1 {
            words.push(format!("{} processes", processes.len()));
        }
        words.push("width is time, height is call depth; click a box to zoom".to_owned());
        words.join(" · ")
    }

    /// The search field and the reset button; hidden where there is no script to work them.
    fn write_controls(&self, sink: &mut Sink<'_>) -> Result<()> {
        sink.text(
            "<g id=\"find\" class=\"hidden\"><svg x=\"99%\" y=\"14\" width=\"1\" height=\"1\" overflow=\"visible\">",
        )?;
        sink.text("<foreignObject x=\"-230\" y=\"0\" width=\"230\" height=\"28\"><input xmlns=\"http://www.w3.org/1999/xhtml\" ")?;
        sink.text("id=\"search\" type=\"text\" placeholder=\"search: name or regex ( / )\" spellcheck=\"false\" ")?;
        sink.text("autocomplete=\"off\"/></foreignObject>")?;
        sink.text("<text id=\"matched\" x=\"0\" y=\"44\" text-anchor=\"end\"></text>")?;
        sink.text("<g id=\"reset\" class=\"button hidden\" transform=\"translate(-326 1)\">")?;
        sink.text("<rect width=\"88\" height=\"25\" rx=\"5\"/>")?;
        sink.text("<text x=\"44\" y=\"17\" text-anchor=\"middle\">Reset zoom</text></g></svg></g>\n")
    }

    fn write_box(&self, placed: &Placed, sink: &mut Sink<'_>) -> Result<()> {
        let (label, color) = self.label_and_color(placed.what);
        let row = match self.options.orientation {
            Orientation::Flame => self.layout.rows.max(1) - 1 - placed.row,
            Orientation::Icicle => placed.row,
        };
        let y = row * ROW;
        let (x, width) = (placed.start * 100.0, placed.width * 100.0);
        write!(sink, "<g data-r=\"{}\"><title>{}\n{}</title>", placed.row, xml(&label), xml(&self.figures(placed)))?;
        write!(sink, "<rect x=\"{x:.4}%\" y=\"{y}\" width=\"{width:.4}%\" height=\"{}\" rx=\"1.5\" ", ROW - 1)?;
        write!(sink, "fill=\"{color}\"/>")?;
        let shown = fit(&label, placed.width * WIDTH * INNER);
        if !shown.is_empty() {
            write!(sink, "<text x=\"{x:.4}%\" dx=\"{PADDING}\" y=\"{}\">{}</text>", y + 13, xml(&shown))?;
        }
        sink.text("</g>\n")
    }

    fn label_and_color(&self, what: What) -> (String, String) {
        match what {
            What::Frame(ROOT) => ("all".to_owned(), "#e3e6ea".to_owned()),
            What::Narrow(1) => ("1 narrow frame".to_owned(), "#d9dce1".to_owned()),
            What::Narrow(count) => (format!("{count} narrow frames"), "#d9dce1".to_owned()),
            What::Frame(node) => {
                let frame = self.profile.tree.node(node).frame;
                let frames = &self.profile.tree.frames;
                let color = match frames.code(frame) {
                    Some(code) => color::of(origin(self.dictionary, code), &frames.name(frame)),
                    None => color::of(Origin::Marker, &frames.name(frame)),
                };
                (self.labels[frame as usize].clone(), color)
            }
        }
    }

    /// `45.6 %, 5.60 s, 5 612 samples (own 3.2 %, 393 ms)`.
    fn figures(&self, placed: &Placed) -> String {
        let amount = |amount: Amount| {
            let samples = amount.whole_samples();
            let plural = if samples == 1 { "" } else { "s" };
            if amount.time.0 == 0 {
                return format!("{} sample{plural}", grouped(samples));
            }
            format!("{}, {} sample{plural}", duration(amount.time), grouped(samples))
        };
        let all = format!("{}, {}", share(placed.width), amount(placed.total));
        match placed.what {
            What::Narrow(_) => format!("{all}; each is too narrow to be shown"),
            What::Frame(ROOT) => all,
            What::Frame(_) if placed.own.is_nothing() => format!("{all} (own: none)"),
            What::Frame(_) => format!("{all} (own: {}, {})", share(self.measure.share(placed.own)), amount(placed.own)),
        }
    }

    fn write_footer(&self, height: u32, sink: &mut Sink<'_>) -> Result<()> {
        writeln!(sink, "<text id=\"details\" x=\"1%\" y=\"{}\"></text>", height - FOOTER + 22)?;
        sink.text("<svg class=\"legend\" x=\"1%\" y=\"0\" width=\"98%\" height=\"100%\">")?;
        let y = height - 16;
        let mut x = 0;
        for (name, color) in color::legend() {
            write!(sink, "<rect x=\"{x}\" y=\"{}\" width=\"11\" height=\"11\" rx=\"2\" fill=\"{color}\"/>", y - 10)?;
            write!(sink, "<text x=\"{}\" y=\"{y}\">{name}</text>", x + 17)?;
            x += 17 + 6 * u32::try_from(name.len()).unwrap_or(0) + 24;
        }
        sink.text("</svg>\n")?;
        writeln!(sink, "<text id=\"note\" x=\"99%\" y=\"{y}\" text-anchor=\"end\">{}</text>", xml(&self.note()))
    }

    /// What the picture does not show.
    fn note(&self) -> String {
        let mut words = Vec::new();
        if self.layout.narrow > 0.0 {
            words.push(format!("{} hidden in frames too narrow to show", share(self.layout.narrow)));
        }
        if self.layout.folded {
            words.push(format!(
                "stacks {} deep: a function calling itself is one box",
                grouped(self.layout.depth.into())
            ));
        }
        if self.layout.deep > 0.0 {
            words.push(format!("{} hidden deeper than {} rows", share(self.layout.deep), layout::MOST_ROWS));
        }
        words.join(" · ")
    }
}

/// A label without line ends, so that the first line of a tooltip is all of it.
fn one_line(label: &str) -> String {
    label.replace("\r\n", "⏎").replace(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}'], "⏎")
}

/// As much of the label as fits into `pixels`, cut with an ellipsis; nothing where three letters have no room.
fn fit(label: &str, pixels: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let columns = ((pixels - 2.0 * PADDING) / LETTER).max(0.0) as usize;
    if columns < 3 {
        return String::new();
    }
    let all: usize = label.chars().map(columns_of).sum();
    if all <= columns {
        return label.to_owned();
    }
    let mut used = 0;
    let cut = label.chars().take_while(|&letter| {
        used += columns_of(letter);
        used < columns
    });
    cut.chain(['…']).collect()
}

/// Letters of East Asian scripts and pictures take two columns.
fn columns_of(letter: char) -> usize {
    let wide = matches!(letter, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{10000}'..);
    if wide { 2 } else { 1 }
}

/// Text for an XML document; characters that XML 1.0 has no way to write become U+FFFD.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{fit, xml};

    #[test]
    fn labels_are_cut_to_the_room_there_is() {
        assert_eq!(fit("app.main (app.py:3)", 1000.0), "app.main (app.py:3)");
        assert_eq!(fit("app.main (app.py:3)", 72.3 + 8.5), "app.main …");
        assert_eq!(fit("app.main", 20.0), "");
        assert_eq!(fit("日本語の名前", 72.3 + 8.5), "日本語の…");
    }

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(
            xml("<script>alert('\"&')]]></script>"),
            "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)]]&gt;&lt;/script&gt;"
        );
        assert_eq!(xml("a\u{1}b\u{ffff}"), "a\u{fffd}b\u{fffd}");
    }
}
