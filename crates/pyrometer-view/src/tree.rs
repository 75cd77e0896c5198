//! The call tree.

use pyrometer_analyze::{CallTree, Origin, TreeNode};

use crate::numbers::{amount, margin, percent, plural, seconds};
use crate::style::{Ink, Style};
use crate::text::Text;
use pyrometer_analyze::Unit;

/// From this depth on, what is deeper is no longer indented further, so that it stays readable.
const DEEPEST_INDENT: usize = 40;

/// Calls that are left out are told from this part of the time on.
const LEAST_TOLD: f64 = 0.001;

/// The call tree, with library code folded as the tree says.
#[must_use]
pub fn render_tree(tree: &CallTree, style: &Style) -> String {
    let mut out = String::new();
    let heading = format!("{} of {}", amount(style, tree.unit, tree.base), tree.quantity);
    Text::new(style, &heading, Ink::Bold).write_line(style, &mut out);
    // For each depth whether a sibling is still to come, which decides the branches that are drawn.
    let mut continues: Vec<bool> = Vec::new();
    for (at, node) in tree.nodes.iter().enumerate() {
        let has_next = tree.nodes[at + 1..]
            .iter()
            .take_while(|other| other.depth >= node.depth)
            .any(|other| other.depth == node.depth)
            || hidden_of_parent(tree, node) > 0;
        continues.truncate(node.depth);
        write_node(style, &mut out, tree, node, &continues, has_next);
        continues.push(has_next);
        write_hidden_above(style, &mut out, tree, at, &continues);
    }
    if tree.hidden > 0 && tree.hidden_share >= LEAST_TOLD {
        let text = format!("{} {}", percent(tree.hidden_share), plural(tree.hidden, "more function", "more functions"));
        Text::new(style, &text, Ink::Dim).write_line(style, &mut out);
    }
    if !tree.nodes.is_empty() {
        let least = percent(tree.threshold);
        let text = format!("calls with less than {least} of the time are told together, and from 0.1 % on");
        out.push('\n');
        Text::new(style, &text, Ink::Dim)
            .wrap(style.prose_columns(), 0)
            .iter()
            .for_each(|line| line.write_line(style, &mut out));
    }
    if tree.nodes.is_empty() && tree.hidden == 0 {
        Text::new(style, "no samples", Ink::Dim).write_line(style, &mut out);
    }
    out
}

fn hidden_of_parent(tree: &CallTree, node: &TreeNode) -> usize {
    let told = |parent: usize| tree.nodes[parent].hidden_share >= LEAST_TOLD;
    node.parent.filter(|&parent| told(parent)).map_or(0, |parent| tree.nodes[parent].hidden)
}

/// Branches for a line whose ancestors continue as told.
fn branches(style: &Style, continues: &[bool], has_next: bool) -> String {
    let mut drawn = String::new();
    let skipped = continues.len().saturating_sub(DEEPEST_INDENT);
    for &continues in continues.iter().skip(1 + skipped) {
        drawn.push_str(if continues { style.sign("│  ", "|  ") } else { "   " });
    }
    if !continues.is_empty() {
        drawn.push_str(if has_next { style.sign("├─ ", "|- ") } else { style.sign("└─ ", "`- ") });
    }
    drawn
}

fn write_node(style: &Style, out: &mut String, tree: &CallTree, node: &TreeNode, continues: &[bool], has_next: bool) {
    let ink = Ink::of_share(node.total.share);
    let mut line = Text::new(style, &branches(style, continues, has_next), Ink::Dim);
    let time = match tree.unit {
        Unit::Seconds => seconds(style, node.total.amount),
        Unit::Samples => amount(style, tree.unit, node.total.amount),
    };
    line.push(style, &percent(node.total.share), ink.bold());
    line.push(style, &format!(" {} ", margin(style, &node.total)), Ink::Dim);
    line.push(style, &time, ink);
    line.push(style, " ", Ink::Plain);
    let is_user = node.function.origin == Origin::User;
    line.push(style, &node.function.label, if is_user { Ink::Bold } else { Ink::Plain });
    if !node.function.file.is_empty() {
        let line_number = if node.line > 0 { node.line } else { node.function.first_line };
        line.push(style, &format!("  {}:{line_number}", node.function.short_file()), Ink::Dim);
    }
    let mut remarks = Vec::new();
    if node.recursion > 1 {
        remarks.push(format!("recursion up to {} deep", node.recursion));
    }
    if node.folded > 0 {
        remarks.push(format!("{} hidden", plural(node.folded, "library function", "library functions")));
    }
    if node.own >= 0.01 && node.total.share - node.own > 0.001 {
        remarks.push(format!("own {}", percent(node.own)));
    }
    if !remarks.is_empty() {
        line.push(style, &format!("  [{}]", remarks.join(", ")), Ink::Dim);
    }
    line.cut_end(style, style.columns()).write_line(style, out);
}

/// Behind the last node below a parent: what of the parent is not shown. Innermost parents first.
fn write_hidden_above(style: &Style, out: &mut String, tree: &CallTree, at: usize, continues: &[bool]) {
    let next_depth = tree.nodes.get(at + 1).map_or(0, |next| next.depth);
    let mut parent = Some(at);
    while let Some(id) = parent {
        let node = &tree.nodes[id];
        if node.depth < next_depth {
            break;
        }
        if node.hidden > 0 && node.hidden_share >= LEAST_TOLD {
            let text =
                format!("{} {}", percent(node.hidden_share), plural(node.hidden, "smaller call", "smaller calls"));
            let mut line = Text::new(style, &branches(style, &continues[..=node.depth], false), Ink::Dim);
            line.push(style, &text, Ink::Dim);
            line.cut_end(style, style.columns()).write_line(style, out);
        }
        parent = node.parent;
    }
}
