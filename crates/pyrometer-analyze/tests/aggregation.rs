//! What must be true of the sums of every profile.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod capture;

use std::collections::HashMap;

use capture::{BUSY, Builder};
use proptest::prelude::*;
use pyrometer_analyze::{
    CallTree, Direction, FunctionOptions, FunctionTable, LineTable, Neighbours, Profile, SortKey, ThreadTable,
    TreeOptions, Triage, TriageOptions, find_function,
};
use pyrometer_model::{Flags, MemorySource, Selection, ThreadId, View};

/// Functions of every origin; each at two lines, so that a function recurs at different lines.
fn frame(which: usize, line: usize) -> String {
    let line = 10 + line;
    match which {
        0..=3 => format!("user{which} app /app/app.py:{}:{}", which + 1, line + which * 10),
        4..=5 => format!("lib{which} lib /usr/lib/python3.12/lib.py:{which}:{line}"),
        6 => format!("site pack /v/lib/python3.12/site-packages/pack.py:3:{line}"),
        7 => format!("<listcomp> app /app/app.py:2:{line}"),
        8 => "!time.sleep".to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

type Run = (Vec<(usize, usize)>, u8, usize, u64);

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let stack = prop::collection::vec((0..10usize, 0..2usize), 0..9);
    prop::collection::vec((stack, 0..32u8, 0..2usize, 1..40u64), 0..60)
}

fn capture_of(runs: &[Run]) -> MemorySource {
    let mut builder = Builder::new("python app.py");
    builder.thread("worker", false);
    for (stack, flags, thread, milliseconds) in runs {
        let frames: Vec<String> = stack.iter().map(|(which, line)| frame(*which, *line)).collect();
        let stack = builder.stack(&frames.iter().map(String::as_str).collect::<Vec<_>>());
        builder.spend(ThreadId(*thread as u32), stack, Flags(*flags), *milliseconds);
    }
    builder.finish()
}

fn selections() -> Vec<Selection> {
    let mut all: Vec<Selection> = View::ALL.into_iter().map(Selection::of).collect();
    all.push(Selection { include_idle: false, ..Selection::default() });
    all.push(Selection { threads: vec![ThreadId(1)], ..Selection::default() });
    all
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn check_functions(profile: &Profile<'_>) -> FunctionTable {
    let table = FunctionTable::of(profile, &FunctionOptions::default()).unwrap();
    let own: f64 = table.rows.iter().map(|row| row.own.share).sum();
    let charged: f64 = table.rows.iter().map(|row| row.charged.share).sum();
    for row in &table.rows {
        assert!(row.own.share <= row.total.share + 1e-12 && row.total.share <= 1.0 + 1e-12, "{row:?}");
        assert!(row.charged.share <= row.total.share + 1e-12, "{row:?}");
        for share in [row.own, row.charged, row.total] {
            assert!(0.0 <= share.low && share.low <= share.share && share.share <= share.high, "{share:?}");
            assert!(share.high <= 1.0 && close(share.amount, share.share * table.base), "{share:?}");
        }
    }
    let triage = Triage::of(profile, &TriageOptions::default());
    let (unknown, no_python) = (triage.unproven.unknown.share, triage.unproven.no_python.share);
    let empty = 1.0 - own;
    assert!(empty > -1e-9 && empty <= no_python + 1e-9, "only stacks without frames have no own time: {empty}");
    assert!(close(charged + unknown + no_python, 1.0), "{charged} {unknown} {no_python}");
    let owned: f64 = [&triage.red, &triage.yellow].into_iter().flatten().map(|hot| hot.own.share).sum();
    assert!(close(owned + triage.green.share.share, charged));
    for hot in triage.red.iter().chain(&triage.yellow) {
        let lines: f64 = hot.lines.iter().map(|line| line.share.share).sum();
        assert!(close(lines + hot.other_lines.share.share, hot.own.share), "{hot:?}");
        let callers: f64 = hot.callers.iter().map(|caller| caller.share.share).sum();
        assert!(close(callers + hot.other_callers.share.share, hot.own.share), "{hot:?}");
        let inside: f64 = hot.inside.iter().map(|inside| inside.share.share).sum();
        assert!(inside + hot.other_inside.share.share <= hot.own.share + 1e-9, "{hot:?}");
    }
    table
}

fn check_neighbours(profile: &Profile<'_>, table: &FunctionTable) {
    for row in &table.rows {
        let found = find_function(profile, &row.function.name).unwrap();
        for direction in [Direction::Callers, Direction::Callees] {
            let neighbours = Neighbours::of(profile, found.code, &found.others, direction);
            let edges: f64 = neighbours.rows.iter().map(|row| row.share.share).sum();
            assert!(close(edges + neighbours.rest.share, neighbours.total.share), "{neighbours:?}");
            if neighbours.function == row.function {
                assert!(close(neighbours.total.share, row.total.share));
                if direction == Direction::Callees {
                    assert!(close(neighbours.rest.share, row.own.share), "{neighbours:?}");
                }
            }
        }
        let lines = LineTable::of(profile, found.code, &found.others);
        let own: f64 = lines.rows.iter().map(|line| line.own.share).sum();
        assert!(own <= lines.total.share + 1e-9);
        assert!(lines.rows.iter().all(|line| line.total.share <= lines.total.share + 1e-12));
        assert!(lines.rows.windows(2).all(|pair| pair[0].line < pair[1].line));
    }
}

fn check_tree(profile: &Profile<'_>, options: TreeOptions) {
    let tree = CallTree::of(profile, options);
    let mut below: HashMap<Option<usize>, f64> = HashMap::new();
    for node in &tree.nodes {
        *below.entry(node.parent).or_default() += node.total.share;
        assert!(node.parent.is_none_or(|parent| parent < node.id && tree.nodes[parent].depth + 1 == node.depth));
    }
    for node in &tree.nodes {
        let children = below.get(&Some(node.id)).copied().unwrap_or(0.0);
        assert!(close(node.own + children + node.hidden_share, node.total.share), "{node:?} {children}");
    }
    let outermost = below.get(&None).copied().unwrap_or(0.0) + tree.hidden_share;
    let no_python = Triage::of(profile, &TriageOptions::default()).unproven.no_python.share;
    assert!(outermost <= 1.0 + 1e-9 && outermost >= 1.0 - no_python - 1e-9, "{outermost}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sums_agree(runs in runs()) {
        let mut source = capture_of(&runs);
        let dictionary = source.dictionary.clone();
        for selection in selections() {
            let profile = Profile::read(&dictionary, &mut source, &selection).unwrap();
            if profile.is_empty() {
                continue;
            }
            let table = check_functions(&profile);
            check_neighbours(&profile, &table);
            for fold_libraries in [false, true] {
                for threshold in [0.0, 0.05] {
                    check_tree(&profile, TreeOptions { fold_libraries, threshold });
                }
            }
            let threads = ThreadTable::of(&profile);
            let shares: f64 = threads.threads.iter().map(|thread| thread.times.share).sum();
            prop_assert!(close(shares, 1.0));
        }
    }
}

fn profile_of(source: &mut MemorySource, check: impl FnOnce(&Profile<'_>)) {
    let dictionary = source.dictionary.clone();
    let profile = Profile::read(&dictionary, source, &Selection::default()).unwrap();
    check(&profile);
}

#[test]
fn deep_recursion_is_one_node_and_its_caller_is_outside() {
    let mut builder = Builder::new("python deep.py");
    let main = "main app /app/app.py:1:2";
    let (even, odd) = ("even app /app/app.py:5:6", "odd app /app/app.py:9:10");
    let mut frames = vec![main];
    frames.extend(std::iter::repeat_n(even, 10_000));
    builder.busy(&frames, 70);
    let mut mutual = vec![main];
    mutual.extend([even, odd].iter().copied().cycle().take(2001));
    builder.busy(&mutual, 30);
    profile_of(&mut builder.finish(), |profile| {
        let tree = CallTree::of(profile, TreeOptions::default());
        assert_eq!(tree.nodes[1].recursion, 10_000);
        assert_eq!(tree.nodes.len(), 2002);
        let found = find_function(profile, "app:even").unwrap();
        let callers = Neighbours::of(profile, found.code, &[], Direction::Callers);
        assert_eq!(callers.rows.len(), 1);
        assert_eq!((callers.rows[0].place.function.name.as_str(), callers.rows[0].place.line), ("app.main", 2));
        assert!(close(callers.recursive, 1.0) && close(callers.rows[0].of_total, 1.0));
        let odd = find_function(profile, "odd").unwrap();
        let callers = Neighbours::of(profile, odd.code, &[], Direction::Callers);
        assert!(close(callers.rows[0].share.share, 0.3) && callers.rows[0].place.function.name == "app.even");
    });
}

#[test]
fn the_tree_folds_libraries_but_not_what_they_call_back() {
    let mut builder = Builder::new("python app.py");
    let start = "_run_code runpy /usr/lib/python3.12/runpy.py:65:88";
    let main = "main app /app/app.py:1:2";
    let (outer, inner) = ("outer lib /usr/lib/python3.12/lib.py:1:2", "inner lib /usr/lib/python3.12/lib.py:5:6");
    builder.busy(&[start, main, outer, inner], 50);
    builder.busy(&[start, main, outer, inner, "callback app /app/app.py:9:9"], 50);
    profile_of(&mut builder.finish(), |profile| {
        let names = |fold_libraries| -> Vec<(usize, String, usize)> {
            let tree = CallTree::of(profile, TreeOptions { fold_libraries, threshold: 0.0 });
            tree.nodes.into_iter().map(|node| (node.depth, node.function.name, node.folded)).collect()
        };
        let expected = [(0, "app.main", 0), (1, "lib.outer", 1), (2, "app.callback", 0)];
        assert_eq!(names(true), expected.map(|(depth, name, folded)| (depth, name.to_owned(), folded)));
        assert_eq!(names(false).len(), 5);
    });
}

#[test]
fn the_tree_folds_what_a_library_does_on_its_own() {
    let library = |name: &str, module: &str| format!("{name} {module} /usr/lib/python3.12/{module}.py:1:2");
    let mut builder = Builder::new("python app.py");
    let mut add = |names: &[(&str, &str)], milliseconds| {
        let frames: Vec<String> = names.iter().map(|(name, module)| library(name, module)).collect();
        builder.busy(&frames.iter().map(String::as_str).collect::<Vec<_>>(), milliseconds);
    };
    // A thread of the standard library's own, which is told by what it was started for.
    let thread = [("Thread._bootstrap", "threading"), ("Thread.run", "threading"), ("serve", "server")];
    add(&[&thread[..], &[("handle", "server"), ("write", "socket")]].concat(), 40);
    add(&[&thread[..], &[("select", "selectors")]].concat(), 10);
    // A library's program: of functions that only call one another, the first and the last are told.
    let program = [("main", "tool"), ("command", "tool"), ("load", "tool"), ("parse", "tool")];
    add(&program, 48);
    add(&program[..3], 2);
    profile_of(&mut builder.finish(), |profile| {
        let tree = CallTree::of(profile, TreeOptions { fold_libraries: true, threshold: 0.05 });
        let shown: Vec<_> =
            tree.nodes.iter().map(|node| (node.depth, node.function.name.as_str(), node.folded)).collect();
        assert_eq!(shown, [(0, "server.serve", 3), (0, "tool.main", 2), (1, "tool.parse", 0)]);
        check_tree(profile, TreeOptions { fold_libraries: true, threshold: 0.05 });
    });
}

#[test]
fn functions_are_sorted_filtered_and_cut() {
    let mut builder = Builder::new("python app.py");
    for (name, milliseconds) in [("zeta", 10), ("beta", 60), ("alpha", 30)] {
        builder.busy(&["main app /app/app.py:1:2", &format!("{name} app /app/app.py:5:6")], milliseconds);
    }
    profile_of(&mut builder.finish(), |profile| {
        let names = |options: FunctionOptions| -> Vec<String> {
            FunctionTable::of(profile, &options).unwrap().rows.into_iter().map(|row| row.function.name).collect()
        };
        let sorted = |sort| names(FunctionOptions { sort, ..FunctionOptions::default() });
        assert_eq!(sorted(SortKey::Own), ["app.beta", "app.alpha", "app.zeta", "app.main"]);
        assert_eq!(sorted(SortKey::Total)[0], "app.main");
        assert_eq!(sorted(SortKey::Name), ["app.alpha", "app.beta", "app.main", "app.zeta"]);
        let options =
            FunctionOptions { limit: Some(1), pattern: Some("^app.[abz]".into()), ..FunctionOptions::default() };
        let table = FunctionTable::of(profile, &options).unwrap();
        assert_eq!((table.rows.len(), table.hidden, table.filtered), (1, 2, 1));
        assert!(close(table.hidden_own, 0.4));
        let broken = FunctionOptions { pattern: Some("(".into()), ..FunctionOptions::default() };
        let error = FunctionTable::of(profile, &broken).unwrap_err();
        assert!(error.to_string().contains("`(` is not a regular expression"), "{error}");
    });
}

#[test]
fn functions_are_found_by_what_people_type() {
    let mut builder = Builder::new("python app.py");
    builder.busy(&["Service.handle web.app /srv/web/app.py:10:12", "handle jobs /srv/jobs.py:3:4"], 10);
    builder.busy(&["Service.handle web.app /srv/web/app.py:10:12"], 10);
    builder.busy(&["Service.stop web.app /srv/web/app.py:20:22"], 10);
    profile_of(&mut builder.finish(), |profile| {
        let find = |query: &str| -> Result<Vec<String>, String> {
            match find_function(profile, query) {
                Ok(found) => Ok(std::iter::once(found.code)
                    .chain(found.others)
                    .map(|code| profile.function(code).name)
                    .collect()),
                Err(error) => Err(format!("{error}; {}", error.hint().unwrap_or_default())),
            }
        };
        let handle = || Ok(vec!["web.app.Service.handle".to_owned()]);
        for query in [
            "web.app.Service.handle",
            "Service.handle",
            "web.app:Service.handle",
            "app:handle",
            "app.py:handle",
            "web/app.py:12",
            "app.py:15",
            "/srv/web/app.py:10",
            r"^web\..*handle$",
        ] {
            assert_eq!(find(query), handle(), "{query}");
        }
        assert_eq!(find("handle"), Ok(vec!["jobs.handle".to_owned()]), "a whole qualified name comes first");
        assert_eq!(find("app.py:22"), Ok(vec!["web.app.Service.stop".to_owned()]));
        assert_eq!(find("Service.*").map(|found| found.len()), Ok(2));
        let near = find("handel").unwrap_err();
        assert!(near.contains("no sampled function is called `handel`; did you mean"), "{near}");
        assert!(near.contains("handle"), "{near}");
        assert!(find("xyzzy").unwrap_err().contains("FILE:LINE"));
        assert!(find("(").unwrap_err().contains("not a regular expression"));
    });
}

#[test]
fn a_capture_without_time_counts_samples() {
    let mut builder = Builder::new("");
    builder.busy(&["main app /app/app.py:1:2"], 30);
    builder.busy(&["other app /app/app.py:5:6"], 10);
    let mut source = builder.finish();
    for run in &mut source.runs {
        run.wall = pyrometer_model::Nanoseconds::ZERO;
        run.cpu = run.wall;
        run.flags = BUSY;
    }
    profile_of(&mut source, |profile| {
        assert_eq!(profile.unit(), pyrometer_analyze::Unit::Samples);
        let table = FunctionTable::of(profile, &FunctionOptions::default()).unwrap();
        assert!(close(table.rows[0].own.share, 0.75) && close(table.rows[0].own.amount, 30.0));
        assert!(table.rows[0].own.low > 0.55 && table.rows[0].own.high < 0.9, "{:?}", table.rows[0].own);
    });
}
