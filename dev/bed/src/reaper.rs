//! Ends everything when the program that started the bed is gone, however it went.
//!
//! A shell waits at the other end of a pipe. When the pipe closes without the
//! word `keep`, it kills each process that still has a pid file in the bed's
//! folder, after checking that it is the same process, and removes the folder.
//! So a test that is killed outright leaves nothing behind. A starter that still
//! lives writes down how each process ended, into the folder that is being
//! removed: then it is removed again.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::error::{Doing, Result};
use crate::process::search_path;

const SCRIPT: &str = r#"
read -r word
[ "$word" = keep ] && exit 0
for file in "$1"/pids/*; do
  [ -e "$file" ] || continue
  read -r pid started < "$file"
  if [ -r /proc/self/stat ]; then
    [ "$(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null)" = "$started" ] || continue
  fi
  kill -s KILL -- "-$pid" 2>/dev/null
done
[ "$2" = remove ] || exit 0
tries=0
until rm -rf -- "$1" || [ "$tries" -ge 100 ]; do tries=$((tries + 1)); done
exit 0
"#;

/// The shell that waits. Dropping it closes the pipe and so sets it to work.
#[derive(Debug)]
pub(crate) struct Reaper {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Reaper {
    /// Starts to watch over the bed in `dir`; its folder is removed too where `remove`.
    pub(crate) fn start(dir: &Path, remove: bool) -> Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "bed-reaper"])
            .arg(dir)
            .arg(if remove { "remove" } else { "leave" })
            .env_clear()
            .env("PATH", search_path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .doing(|| "start `/bin/sh`".to_owned())?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Sends the shell away: the bed shall outlive its starter.
    pub(crate) fn dismiss(mut self) {
        if let Some(pipe) = &mut self.pipe {
            let _ = pipe.write_all(b"keep\n");
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::layout::tests::TempFolder;
    use crate::process::{Program, spawn};

    fn sleeper(dir: &Path) -> crate::process::ProcessId {
        std::fs::create_dir_all(dir.join("pids")).unwrap();
        let program = Program::new("/bin/sleep".into()).arg("300");
        let process = spawn(&program, dir, &dir.join("sleep.log")).unwrap();
        std::fs::write(dir.join("pids/sleep"), format!("{} {}\n", process.pid, process.started)).unwrap();
        process
    }

    #[test]
    fn a_closed_pipe_ends_the_processes_and_the_folder() {
        let folder = TempFolder::new();
        let process = sleeper(folder.path());
        drop(Reaper::start(folder.path(), true).unwrap());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while process.alive() && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(!process.alive());
        assert!(!folder.path().exists());
    }

    #[test]
    fn a_folder_that_is_written_to_while_it_goes_is_removed_again() {
        let folder = TempFolder::new();
        let tools = TempFolder::new();
        let rm = tools.path().join("rm");
        let once = "#!/bin/sh\n[ -e \"$0.failed\" ] && exec /bin/rm \"$@\"\n: > \"$0.failed\"\nexit 1\n";
        std::fs::write(&rm, once).unwrap();
        std::fs::set_permissions(&rm, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "bed-reaper"]).arg(folder.path()).arg("remove").env("PATH", tools.path());
        assert!(shell.stdin(Stdio::null()).status().unwrap().success());
        assert!(!folder.path().exists());
    }

    #[test]
    fn a_dismissed_reaper_touches_nothing_and_another_process_is_spared() {
        let folder = TempFolder::new();
        let process = sleeper(folder.path());
        Reaper::start(folder.path(), true).unwrap().dismiss();
        assert!(process.alive() && folder.path().exists());

        std::fs::write(folder.path().join("pids/sleep"), format!("{} 1\n", process.pid)).unwrap();
        drop(Reaper::start(folder.path(), false).unwrap());
        assert!(process.alive(), "an id that was given to another process is not killed");
        process.kill_now();
    }
}
