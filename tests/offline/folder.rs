//! A folder of one test, and `ambit` in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Exit code, standard output and standard error.
pub type Ended = (Option<i32>, String, String);

/// A folder of one test, with its files. It goes when the test ends.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder. Tests of one name do not get the same one.
    pub fn new(test: &str) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ambit-offline-{}-{number}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        self
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("`{name}` must be there: {error}"))
    }

    pub fn ask(&self, arguments: &[&str], input: &str) -> Ended {
        ambit(&self.0, arguments, input)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `ambit` in the folder of the project, where the examples are.
pub fn here(arguments: &[&str]) -> Ended {
    ambit(env!("CARGO_MANIFEST_DIR").as_ref(), arguments, "")
}

fn ambit(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ambit"));
    command.args(arguments).current_dir(folder).env_remove("AMBIT_INSTALLATION");
    run(command, input)
}

/// Runs a command with this on its standard input.
pub fn run(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = thread::spawn(move || {
        // One that ends without reading its input is as good.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}
