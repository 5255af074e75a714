//! Starting, recognising and stopping the programs of the bed, always by process id.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::error::{Doing, Result};

/// How often a condition is looked at while waiting for it.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// A program with everything it is given. Nothing else reaches it: no variable
/// of the developer's shell, no proxy, no CA bundle, no credential.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
}

impl Program {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, args: Vec::new(), env: BTreeMap::new() }
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// The command with a clean environment; HOME is the bed's folder, so that
    /// no configuration of the developer is read.
    pub(crate) fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.args)
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            .envs(&self.env)
            .current_dir(home)
            .stdin(Stdio::null());
        command
    }
}

/// The PATH that programs of the bed are given.
pub(crate) fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// A process that the bed started, recognisable even after its id was given to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The process id; also the id of its process group.
    pub pid: i32,
    /// When the process started, in the system's own words.
    pub started: String,
}

impl ProcessId {
    /// Whether this very process still runs.
    #[must_use]
    pub fn alive(&self) -> bool {
        start_time(self.pid).is_some_and(|now| now == self.started)
    }

    /// Sends a signal to the process and all that it started.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid)
            && self.alive()
        {
            // A process that ended meanwhile needs no signal.
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    /// Ends the process at once and waits until it is gone.
    pub(crate) fn kill_now(&self) {
        self.signal(Signal::KILL);
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.alive() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asks the process to end, and ends it at once when it has not within `grace`.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + grace;
        while self.alive() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        self.kill_now();
    }
}

/// Starts a program in its own process group, its output appended to `log`.
pub(crate) fn spawn(program: &Program, home: &Path, log: &Path) -> Result<ProcessId> {
    let name = || program.path.display().to_string();
    let output = open_log(log)?;
    let errors = output.try_clone().doing(|| format!("write `{}`", log.display()))?;
    let mut child = program
        .command(home)
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .doing(|| format!("start `{}`", name()))?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    let started = start_time(pid).unwrap_or_default();
    let log = log.to_owned();
    // Takes the exit status when the time comes, so that no dead process lingers.
    std::thread::spawn(move || {
        if let Ok(status) = child.wait() {
            let _ = std::fs::write(status_file(&log, pid), status.to_string());
        }
    });
    Ok(ProcessId { pid, started })
}

fn open_log(log: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(log).doing(|| format!("open `{}`", log.display()))
}

fn status_file(log: &Path, pid: i32) -> PathBuf {
    log.with_extension(format!("{pid}.status"))
}

/// How a process that wrote to this log ended, where its starter is still here
/// to know. The starter may be just about to write it down.
pub(crate) fn exit_status(log: &Path, pid: i32) -> String {
    for _ in 0..20 {
        if let Ok(status) = std::fs::read_to_string(status_file(log, pid))
            && !status.is_empty()
        {
            return status;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    "status unknown".to_owned()
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    const WINDOW: u64 = 16_384;
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map_or(0, |data| data.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)));
        let _ = file.read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// When the process started; nothing when it is not running.
fn start_time(pid: i32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return started_in_stat(&stat);
    }
    let output = Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Reads the start time from a line of `/proc/PID/stat`; a process that has
/// ended and only waits to be collected does not count as running.
fn started_in_stat(stat: &str) -> Option<String> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if matches!(fields.first(), Some(&("Z" | "X"))) {
        return None;
    }
    fields.get(19).map(|&field| field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::TempFolder;

    #[test]
    fn the_start_time_is_found_behind_a_strange_name_and_not_for_the_dead() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(started_in_stat(&format!("7 (a) b (c)) S {rest}")).as_deref(), Some("4711"));
        assert_eq!(started_in_stat(&format!("7 (python) Z {rest}")), None);
        assert_eq!(started_in_stat("nonsense"), None);
    }

    #[tokio::test]
    async fn a_process_is_known_by_its_start_and_stopped_with_its_children() {
        let folder = TempFolder::new();
        let log = folder.path().join("sh.log");
        let program = Program::new("/bin/sh".into()).args(["-c", "sleep 300 & echo $!; wait"]);
        let process = spawn(&program, folder.path(), &log).unwrap();
        assert!(process.alive());
        let other = ProcessId { started: "another time".to_owned(), ..process.clone() };
        assert!(!other.alive(), "the same id with another start is another process");

        let deadline = Instant::now() + Duration::from_secs(5);
        while tail(&log, 1).is_empty() && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        let sleeper: i32 = tail(&log, 1).parse().unwrap();
        process.stop(Duration::from_secs(2)).await;
        assert!(!process.alive());
        assert_eq!(start_time(sleeper), None, "the child went with its parent");
    }

    #[test]
    fn a_program_sees_no_variable_but_its_own() {
        let folder = TempFolder::new();
        let output = Program::new("/usr/bin/env".into()).env("ONLY", "this").command(folder.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["HOME", "LANG", "ONLY", "PATH"]);
    }

    #[test]
    fn the_tail_is_the_last_lines_only() {
        let folder = TempFolder::new();
        let log = folder.path().join("x.log");
        std::fs::write(&log, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, 2), "two\nthree");
        assert_eq!(tail(&folder.path().join("absent"), 2), "");
    }
}
