//! The commands of the program `bed`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::bed::Bed;
use crate::error::{BedError, Doing, Result};
use crate::kubelet::PodName;
use crate::layout::{Layout, Project};
use crate::options::{BedOptions, short_time};
use crate::parts::Part;
use crate::proxy::{self, ProxyOptions};
use crate::state::State;

/// Drives the test bed of Ambit by hand.
#[derive(Debug, Parser)]
#[command(name = "bed", version)]
pub struct Cli {
    /// The bed's folder; `.bed` in the project's folder where absent.
    #[arg(long, global = true, env = "BED_DIR")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the whole bed and leave it running.
    Up(Up),
    /// Print lines to export: `eval "$(bed env)"`.
    Env,
    /// Stop a part as an orderly shutdown would.
    Stop {
        /// The part: operator, second-operator, cloud, issuers, proxy, api, etcd or controllers.
        part: Part,
    },
    /// Start a part again, with the same ports and keys.
    Start {
        /// The part.
        part: Part,
    },
    /// Kill a part as a crash would.
    Kill {
        /// The part.
        part: Part,
    },
    /// Start an operator.
    Operator {
        /// Another copy beside the first.
        #[arg(long)]
        second: bool,
    },
    /// Run a program as a container of an admitted pod would run it.
    RunPod {
        /// The pod, as NAMESPACE/POD.
        pod: PodName,
        /// The container; the first where absent.
        #[arg(long)]
        container: Option<String>,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        program: Vec<String>,
    },
    /// Print the calls to the cloud and the operator's writes to the API server, as JSON.
    Counts {
        /// Begin again at nothing.
        #[arg(long)]
        reset: bool,
    },
    /// Stop everything and remove the folder.
    Down,
    /// Serve as the proxy of this bed.
    #[command(hide = true)]
    ServeProxy,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Up {
    /// How often the account is swept.
    #[arg(long, default_value = "5s")]
    sweep_interval: String,
    /// How often the operator looks at a settled identity again.
    #[arg(long, default_value = "30s")]
    resync_interval: String,
    /// How long the operator lets the cloud become consistent.
    #[arg(long, default_value = "1s")]
    consistency_window: String,
    /// Added to every call to the cloud.
    #[arg(long, default_value = "0ms", value_parser = short_time)]
    latency: Duration,
    /// The account's rate limit.
    #[arg(long, default_value_t = 500)]
    requests_per_second: u32,
    /// Tell the operator in a queue what is done to the cloud's roles.
    #[arg(long)]
    events: bool,
    /// Hand roles to pods by EKS Pod Identity.
    #[arg(long)]
    pod_identity: bool,
    /// The operator's binary.
    #[arg(long)]
    operator_bin: Option<PathBuf>,
    /// Start everything but the operator.
    #[arg(long)]
    no_operator: bool,
    /// Leave out the chart's objects, and so the operator too.
    #[arg(long)]
    no_chart: bool,
    /// Start etcd and the API server alone.
    #[arg(long)]
    api_only: bool,
}

impl Up {
    fn options(self, dir: &Path) -> BedOptions {
        let base = if self.api_only { BedOptions::api_only() } else { BedOptions::default() };
        BedOptions {
            dir: Some(dir.to_owned()),
            chart: base.chart && !self.no_chart,
            operator: base.operator && !self.no_operator && !self.no_chart,
            operator_bin: self.operator_bin,
            sweep_interval: self.sweep_interval,
            resync_interval: self.resync_interval,
            consistency_window: self.consistency_window,
            latency: self.latency,
            events: base.cloud && self.events,
            pod_identity: base.cloud && self.pod_identity,
            requests_per_second: self.requests_per_second,
            ..base
        }
    }
}

/// Does what the command line asks; the number is the exit code.
pub async fn run(cli: Cli) -> Result<u8> {
    let dir = match cli.dir {
        Some(dir) => dir,
        None => Project::find()?.root().join(".bed"),
    };
    match cli.command {
        Command::Up(up) => start(up.options(&dir)).await,
        Command::Down => down(&dir),
        Command::ServeProxy => serve_proxy(&dir).await,
        command => drive(&Bed::open(&dir)?, command).await,
    }
}

/// The commands about a bed that is up.
async fn drive(bed: &Bed, command: Command) -> Result<u8> {
    match command {
        Command::Env => {
            let lines = bed.environment().into_iter().map(|(name, value)| format!("export {name}={}\n", quote(&value)));
            print(&lines.collect::<String>())?;
        }
        Command::Stop { part } => bed.stop_part(part).await?,
        Command::Start { part } => bed.start_part(part).await?,
        Command::Kill { part } => bed.kill_part(part)?,
        Command::Operator { second } => {
            bed.start_part(if second { Part::SecondOperator } else { Part::Operator }).await?;
        }
        Command::RunPod { pod, container, program } => {
            return run_pod(bed, &pod, container.as_deref(), &program).await;
        }
        Command::Counts { reset } => counts(bed, reset).await?,
        Command::Up(_) | Command::Down | Command::ServeProxy => {}
    }
    Ok(0)
}

async fn start(options: BedOptions) -> Result<u8> {
    let dir = options.dir.clone().unwrap_or_default();
    if let Ok(bed) = Bed::open(&dir) {
        if bed.any_alive() {
            say(&format!("a bed is already up in `{}`; `bed down` stops it", dir.display()));
            return Ok(0);
        }
        bed.down();
    }
    let begin = Instant::now();
    let tell = move |what: &str| say(&format!("{:5.1} s  {what}", begin.elapsed().as_secs_f32()));
    let bed = tokio::select! {
        bed = Bed::start_processes(options, &tell) => bed?,
        code = interrupted() => {
            say("interrupted; what was started is stopped again");
            return Ok(code);
        }
    };
    bed.detach();
    say(&format!(
        "{:5.1} s  the bed is up in `{}`; `eval \"$(bed env)\"` points this shell at it",
        begin.elapsed().as_secs_f32(),
        dir.display()
    ));
    Ok(0)
}

/// Waits for somebody who wants the program to end; the exit code for it.
async fn interrupted() -> u8 {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 130,
        _ = terminate.recv() => 143,
    }
}

fn down(dir: &Path) -> Result<u8> {
    match Bed::open(dir) {
        Ok(bed) => {
            bed.down();
            say(&format!("the bed in `{}` is stopped and removed", dir.display()));
        }
        Err(BedError::NotUp { .. }) => say(&format!("no bed is up in `{}`", dir.display())),
        Err(error) => return Err(error),
    }
    Ok(0)
}

async fn serve_proxy(dir: &Path) -> Result<u8> {
    let state = State::load(&Layout::new(dir))?;
    let options = ProxyOptions { ports: state.ports, latency: state.options.latency };
    proxy::run(options, async {
        interrupted().await;
    })
    .await?;
    Ok(0)
}

async fn run_pod(bed: &Bed, pod: &PodName, container: Option<&str>, program: &[String]) -> Result<u8> {
    let run = bed.run_container(pod, container, program).await?;
    for note in &run.notes {
        say(note);
    }
    print(&run.stdout)?;
    std::io::stderr().write_all(run.stderr.as_bytes()).doing(|| "write to standard error".to_owned())?;
    // A program that a signal ended has no code of its own.
    Ok(run.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(125))
}

async fn counts(bed: &Bed, reset: bool) -> Result<()> {
    let counts = if reset { bed.reset_counts().await? } else { bed.counts().await? };
    let all = serde_json::json!({"cloud": counts, "apiWrites": bed.api_writes(0)?});
    print(&format!("{all:#}\n"))
}

fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).doing(|| "write to standard output".to_owned())
}

fn say(text: &str) {
    // Nobody reads: nothing is lost.
    let _ = writeln!(std::io::stderr(), "bed: {text}");
}

/// A word that a shell reads back as it was.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@,+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_the_shell_are_quoted_where_they_must_be() {
        assert_eq!(quote("http://127.0.0.1:1/_bed"), "http://127.0.0.1:1/_bed");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), "'it'\\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn up_without_chart_has_no_operator() {
        let cli = Cli::try_parse_from(["bed", "up", "--no-chart", "--latency", "30ms"]).unwrap();
        let Command::Up(up) = cli.command else { panic!("not up") };
        let options = up.options(Path::new("/x"));
        assert!(!options.chart && !options.operator && options.cloud);
        assert_eq!(options.latency, Duration::from_millis(30));
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
