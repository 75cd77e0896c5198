//! Starting the program to be measured as if pyrometer were not there: its streams, its signals, its exit code.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use anyhow::{Context, Result, bail};

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub executable: PathBuf,
    /// Its arguments, without the executable itself.
    pub arguments: Vec<OsString>,
    /// A short name for files and titles: the script's stem, the module, or the command.
    pub name: String,
}

/// What was asked for, before it is known what to execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// `-m module args`.
    Module(&'a [OsString]),
    /// `-c code args`.
    Code(&'a [OsString]),
    /// A script or a command, with its arguments.
    Command(&'a [OsString]),
}

impl Program {
    /// Decides what to execute: modules, code and scripts with `python` (or the one that `python` would be), anything
    /// that is executable as it is.
    ///
    /// # Errors
    /// When there is no Python, or the command is neither a file nor on PATH.
    pub fn resolve(target: Target<'_>, python: Option<&Path>) -> Result<Self> {
        match target {
            Target::Module(words) => Self::with_python(python, "-m", words, words.first().map(OsString::as_os_str)),
            Target::Code(words) => Self::with_python(python, "-c", words, Some(OsStr::new("code"))),
            Target::Command(words) => {
                let Some((first, rest)) = words.split_first() else {
                    bail!("nothing to run: no script or command given")
                };
                Self::from_command(python, first, rest)
            }
        }
    }

    fn from_command(python: Option<&Path>, first: &OsStr, rest: &[OsString]) -> Result<Self> {
        let path = Path::new(first);
        let name = path.file_stem().unwrap_or(first).to_string_lossy().into_owned();
        if is_python_source(path) {
            let words: Vec<_> = std::iter::once(first.to_owned()).chain(rest.iter().cloned()).collect();
            return Ok(Self { executable: find_python(python)?, arguments: words, name });
        }
        if let Some(executable) = find_executable(first) {
            return Ok(Self { executable, arguments: rest.to_vec(), name });
        }
        if path.exists() {
            let words: Vec<_> = std::iter::once(first.to_owned()).chain(rest.iter().cloned()).collect();
            return Ok(Self { executable: find_python(python)?, arguments: words, name });
        }
        bail!(
            "cannot run {}: there is no such file and no such command on PATH\nhint: give a script, `-m MODULE`, `-c CODE`, or `-- COMMAND`",
            first.to_string_lossy()
        )
    }

    fn with_python(python: Option<&Path>, flag: &str, words: &[OsString], name: Option<&OsStr>) -> Result<Self> {
        let arguments = std::iter::once(OsString::from(flag)).chain(words.iter().cloned()).collect();
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self { executable: find_python(python)?, arguments, name })
    }

    /// Starts it with our streams, environment and directory.
    ///
    /// # Errors
    /// When the kernel refuses to execute it.
    pub fn spawn(&self) -> Result<Child> {
        Command::new(&self.executable)
            .args(&self.arguments)
            .spawn()
            .with_context(|| format!("cannot start {}", self.executable.display()))
    }

    /// The command line, for people to read.
    #[must_use]
    pub fn command_line(&self) -> String {
        let words = std::iter::once(self.executable.as_os_str()).chain(self.arguments.iter().map(OsString::as_os_str));
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// What Python runs by itself: a source or byte-code file, an archive or a folder with a `__main__.py`.
fn is_python_source(path: &Path) -> bool {
    let by_name = path
        .extension()
        .and_then(OsStr::to_str)
        .is_some_and(|extension| matches!(extension, "py" | "pyw" | "pyc" | "pyz" | "pyzw"));
    by_name && path.is_file() || path.join("__main__.py").is_file()
}

fn find_python(chosen: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = chosen {
        return find_executable(path.as_os_str()).with_context(|| {
            format!("{} is not an executable file\nhint: give --python the path of a Python", path.display())
        });
    }
    ["python3", "python"]
        .iter()
        .find_map(|name| find_executable(OsStr::new(name)))
        .context("there is no python3 and no python on PATH\nhint: activate the environment, or give --python PATH")
}

/// The executable that a shell would take for `word`.
fn find_executable(word: &OsStr) -> Option<PathBuf> {
    if word.to_string_lossy().contains('/') {
        let path = PathBuf::from(word);
        return is_executable(&path).then_some(path);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(word)).find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// How the program ended, as the code that a shell would show: 128 and the signal's number for a signal.
#[must_use]
pub fn shell_code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code & 0xff).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{Program, Target};
    use std::ffi::OsString;
    use std::path::Path;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn modules_and_code_go_to_python_with_their_arguments_untouched() {
        let python = Some(Path::new("/bin/sh"));
        let words = words(&["json.tool", "--indent", "2"]);
        let program = Program::resolve(Target::Module(&words), python).unwrap();
        assert_eq!(program.executable, Path::new("/bin/sh"));
        assert_eq!(program.arguments, ["-m", "json.tool", "--indent", "2"].map(OsString::from));
        assert_eq!(program.name, "json.tool");
    }

    #[test]
    fn an_executable_is_run_as_it_is() {
        let program = Program::resolve(Target::Command(&words(&["sh", "-c", "exit 3"])), None).unwrap();
        assert!(program.executable.ends_with("sh"));
        assert_eq!(program.arguments, ["-c", "exit 3"].map(OsString::from));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let error = Program::resolve(Target::Command(&words(&["no-such-program-here"])), None).unwrap_err();
        assert!(error.to_string().contains("no-such-program-here"), "{error}");
        let error = Program::resolve(Target::Code(&words(&["1"])), Some(Path::new("/no/python"))).unwrap_err();
        assert!(error.to_string().contains("/no/python"), "{error}");
    }
}
