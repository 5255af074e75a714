//! Programs that the bed runs to their end.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::error::{BedError, Doing, Result};
use crate::process::Program;

/// No program that the bed runs to its end takes longer.
const LIMIT: Duration = Duration::from_mins(2);

/// Runs a program in `cwd` with a clean environment and returns how it ended and what it said.
pub(crate) async fn output(program: &Program, home: &Path, cwd: &Path, input: Option<&[u8]>) -> Result<Output> {
    let name = display(program);
    let mut command = tokio::process::Command::from(program.command(home));
    command.current_dir(cwd);
    finish(command, name, input).await
}

/// Runs a command to its end; it dies with the caller.
pub(crate) async fn finish(mut command: tokio::process::Command, name: String, input: Option<&[u8]>) -> Result<Output> {
    command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().doing(|| format!("start `{name}`"))?;
    let pipe = child.stdin.take();
    let feed = async {
        if let (Some(mut pipe), Some(input)) = (pipe, input) {
            // A program that does not read its input says so itself.
            let _ = pipe.write_all(input).await;
        }
    };
    let both = async { tokio::join!(feed, child.wait_with_output()).1 };
    match tokio::time::timeout(LIMIT, both).await {
        Ok(output) => output.doing(|| format!("run `{name}`")),
        Err(_) => Err(BedError::NotInTime {
            what: format!("the end of `{name}`"),
            seconds: LIMIT.as_secs(),
            detail: String::new(),
        }),
    }
}

/// The standard output of a program that must succeed.
pub(crate) async fn stdout(program: &Program, home: &Path, cwd: &Path, input: Option<&[u8]>) -> Result<String> {
    let output = output(program, home, cwd, input).await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(BedError::Command {
        program: display(program),
        status: output.status.to_string(),
        stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// The program's name and its first arguments, enough to know which call it was.
fn display(program: &Program) -> String {
    let name = program.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    program.args.iter().take(4).fold(name, |text, arg| format!("{text} {arg}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::TempFolder;

    #[tokio::test]
    async fn input_reaches_the_program_and_failure_tells_what_it_said() {
        let folder = TempFolder::new();
        let cat = Program::new("/bin/cat".into());
        let text = "x".repeat(200_000);
        let read = stdout(&cat, folder.path(), folder.path(), Some(text.as_bytes())).await.unwrap();
        assert_eq!(read, text);

        let fails = Program::new("/bin/sh".into()).args(["-c", "echo why >&2; exit 3"]);
        let error = stdout(&fails, folder.path(), folder.path(), None).await.unwrap_err();
        assert_eq!(error.to_string(), "`sh -c echo why >&2; exit 3` failed (exit status: 3): why");
    }
}
