//! What can only be measured in a fresh process: this program starts itself
//! again, and the command `ambit` of the same build.

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ambit::policy::compare::compare;
use ambit::policy::{Catalogue, Policy};

use super::{Result, managed};

/// Begins the arguments of a process that this program starts.
pub const FLAG: &str = "--figure";

/// What a process took.
#[derive(Debug, Default, Clone, Copy)]
pub struct Run {
    pub wall: Duration,
    pub cpu: Duration,
}

/// Starts this program to measure one thing; the figure that it prints.
pub fn figure(what: &str, words: &[&str]) -> Result<u64> {
    let output = Command::new(std::env::current_exe()?).arg(FLAG).arg(what).args(words).output()?;
    if !output.status.success() {
        return Err(format!("`{what}` failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Measures one thing and prints the figure.
pub fn run(what: &str, words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let figure = match (what, words.as_slice()) {
        ("catalogue", [words]) => catalogue(words == &"all"),
        ("memory", [first, number]) => memory(first == &"warm", number.parse()?)?,
        _ => return Err(format!("`{what}` is not measured in a process of its own").into()),
    };
    println!("{figure}");
    Ok(())
}

/// Nanoseconds to the first answer, or to all.
fn catalogue(all: bool) -> u64 {
    let start = Instant::now();
    let catalogue = Catalogue::embedded();
    if all {
        black_box(catalogue.services().map(|service| service.actions.len()).sum::<usize>());
    } else {
        black_box(catalogue.action("s3:GetObject"));
    }
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Bytes that one comparison adds at its peak to what the process has.
fn memory(warm: bool, number: usize) -> Result<u64> {
    let pair = managed::pair(&managed::line(number)?)?;
    let (old, new) = (Policy::read(&pair.old)?, Policy::read(&pair.new)?);
    if warm {
        black_box(Catalogue::embedded().services().count());
    }
    // The kernel forgets the peak so far.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = resident("VmHWM:")?;
    black_box(compare(&old, &new)?);
    Ok(resident("VmHWM:")?.saturating_sub(before))
}

fn resident(field: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let value =
        status.lines().find_map(|line| line.strip_prefix(field)).ok_or("the kernel does not tell the memory")?;
    Ok(value.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Has `ambit policy compare --batch` answer everything, on so many cores.
pub fn batch(input: &str, cores: usize) -> Result<Run> {
    let ambit = std::env::var("AMBIT_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_ambit").to_owned());
    let list = (0..cores).map(|core| core.to_string()).collect::<Vec<_>>().join(",");
    let before = children()?;
    let start = Instant::now();
    let mut child = Command::new("taskset")
        .args(["-c", &list, &ambit, "policy", "compare", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`taskset` cannot be started: {error}"))?;
    let (mut stdin, mut stdout) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        let mut answers = String::new();
        stdout.read_to_string(&mut answers).map(|_| answers)
    })?;
    let status = child.wait()?;
    let wall = start.elapsed();
    if answers.lines().count() != input.lines().count() {
        return Err(format!("`ambit` ended with {status} before all was answered").into());
    }
    Ok(Run { wall, cpu: children()?.saturating_sub(before) })
}

/// Processor time of all processes that were started and have ended.
fn children() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold spaces; after it, theirs are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no processor time")?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Ok(Duration::from_millis(10 * (ticks(13) + ticks(14))))
}
