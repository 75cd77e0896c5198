//! `cargo xtask layouts`: prints where each supported CPython version has what pyrometer reads, from the real headers, into
//! `crates/pyrometer-remote/src/cpython/layout/numbers.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, bail, ensure};

const SOURCE: &str = include_str!("layouts.c");
const TARGET: &str = "crates/pyrometer-remote/src/cpython/layout/numbers.rs";
const VERSIONS: [&str; 8] = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"];

/// Writes the table anew.
pub fn run() -> Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("pyrometer-layouts-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = collect(&folder);
    std::fs::remove_dir_all(&folder)?;
    let numbers = result?;
    std::fs::write(TARGET, render(&numbers)).with_context(|| TARGET.to_string())?;
    println!("{TARGET}: {} numbers", numbers.fields.len());
    Ok(ExitCode::SUCCESS)
}

#[derive(Default)]
struct Numbers {
    fields: BTreeMap<String, [Option<u32>; VERSIONS.len()]>,
    deopt: [BTreeMap<u8, u32>; VERSIONS.len()],
    caches: [BTreeMap<u8, u32>; VERSIONS.len()],
}

fn collect(folder: &Path) -> Result<Numbers> {
    let source = folder.join("layouts.c");
    std::fs::write(&source, SOURCE)?;
    let mut numbers = Numbers::default();
    for (column, version) in VERSIONS.iter().enumerate() {
        let program = folder.join(format!("layouts-{version}"));
        let interpreter = Interpreter::find(version)?;
        interpreter.compile(&source, &program)?;
        for line in output(&mut Command::new(&program))?.lines() {
            let (name, number) = line.split_once(' ').with_context(|| line.to_string())?;
            if let Some(opcode) = name.strip_prefix("deopt.") {
                numbers.deopt[column].insert(opcode.parse()?, number.parse()?);
            } else if let Some(opcode) = name.strip_prefix("caches.") {
                numbers.caches[column].insert(opcode.parse()?, number.parse()?);
            } else if name != "version" {
                numbers.fields.entry(name.to_string()).or_default()[column] = Some(number.parse()?);
            }
        }
    }
    Ok(numbers)
}

struct Interpreter {
    include: PathBuf,
    system: Option<PathBuf>,
}

impl Interpreter {
    fn find(version: &str) -> Result<Self> {
        let text = output(Command::new("scripts/interpreters").arg(version))?;
        let line = text.lines().next().with_context(|| format!("no interpreter {version}"))?;
        let mut fields = line.split_whitespace().skip(1);
        let (Some(python), Some(root)) = (fields.next(), fields.next()) else { bail!("scripts/interpreters: {line}") };
        let code = "import sysconfig; print(sysconfig.get_path('include'))";
        let mut command = if root == "-" { Command::new(python) } else { Command::new("chroot") };
        if root != "-" {
            command.args([root, python]);
        }
        let include = output(command.args(["-c", code]))?;
        let include = include.trim();
        if root == "-" {
            return Ok(Self { include: PathBuf::from(include), system: None });
        }
        let root = PathBuf::from(root);
        Ok(Self { include: root.join(include.trim_start_matches('/')), system: Some(root.join("usr/include")) })
    }

    fn compile(&self, source: &Path, program: &Path) -> Result<()> {
        let mut command = Command::new("cc");
        command.arg("-w").arg("-I").arg(&self.include).arg("-I").arg(self.include.join("internal"));
        if let Some(system) = &self.system {
            // Only for what this machine does not have: pyconfig.h lies there on Debian.
            command.arg("-idirafter").arg(system);
        }
        output(command.arg("-o").arg(program).arg(source))?;
        Ok(())
    }
}

fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    Ok(String::from_utf8(stdout)?)
}

fn render(numbers: &Numbers) -> String {
    let mut text = String::from(
        "//! Written by `cargo xtask layouts` from the headers of each version; not to be edited.\n\n\
         /// Stands for a field that a version does not have.\npub(super) const NONE: u32 = u32::MAX;\n\n\
         /// For each number its name and what it is in 3.8, 3.9, … 3.15.\n\
         #[rustfmt::skip]\npub(super) const NUMBERS: &[(&str, [u32; 8])] = &[\n",
    );
    for (name, columns) in &numbers.fields {
        let columns = columns.map(|number| number.map_or_else(|| "NONE".to_string(), |number| number.to_string()));
        let _ = writeln!(text, "    (\"{name}\", [{}]),", columns.join(", "));
    }
    text.push_str("];\n");
    let what = "For 3.11, 3.12, … 3.15: of each opcode";
    render_opcodes(&mut text, "DEOPT", &format!("{what} that of which it is a specialisation."), &numbers.deopt[3..]);
    render_opcodes(&mut text, "CACHES", &format!("{what} how many cache units follow it."), &numbers.caches[3..]);
    text
}

fn render_opcodes(text: &mut String, name: &str, what: &str, versions: &[BTreeMap<u8, u32>]) {
    let _ =
        writeln!(text, "\n/// {what}\n#[rustfmt::skip]\npub(super) const {name}: [[u8; 256]; {}] = [", versions.len());
    for version in versions {
        let row: Vec<_> = version.values().map(u32::to_string).collect();
        let _ = writeln!(text, "    [{}],", row.join(", "));
    }
    text.push_str("];\n");
}
