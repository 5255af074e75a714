//! What the processes of the bed use, as the kernel tells.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ambit_bed::{Bed, Part};

use super::Result;

/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Resident memory.
pub struct Memory {
    now: u64,
    most: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mb = |kib: u64| kib as f64 * 1024.0 / 1_000_000.0;
        write!(f, "{:.1} MB (now {:.1} MB)", mb(self.most), mb(self.now))
    }
}

/// The resident memory of a part.
pub fn memory(bed: &Bed, part: Part) -> Result<Memory> {
    let process = bed.process(part).ok_or_else(|| format!("{part} does not run"))?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid))?;
    let field = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().trim_end_matches(" kB").parse().ok()
    };
    let missing = || "the kernel does not tell the resident memory";
    Ok(Memory { now: field("VmRSS:").ok_or_else(missing)?, most: field("VmHWM:").ok_or_else(missing)? })
}

/// The processor time of every part. The proxy's is this process's own.
pub fn cpu(bed: &Bed) -> BTreeMap<Part, Duration> {
    Part::ALL
        .into_iter()
        .filter_map(|part| {
            let id = match part {
                Part::Proxy => "self".to_owned(),
                _ => bed.process(part)?.pid.to_string(),
            };
            Some((part, processor_time(&id)?))
        })
        .collect()
}

fn processor_time(id: &str) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold spaces; after it, user and system time are the 12th and 13th field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    Some(TICK * ticks)
}

/// How busy the machine is with other things.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load of the machine before: {}", text.split(' ').next().unwrap_or("unknown"))
}
