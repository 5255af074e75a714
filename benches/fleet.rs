//! A fleet of identities on the test bed: how long it takes, what it asks of
//! the cloud and of the API server, and what it costs while nothing happens.
//!
//! `cargo bench --bench fleet` runs everything; the names of single
//! measurements may follow. `BENCHMARKS.md` tells what came out.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people: counts and times are far from where these matter"
)]

#[path = "fleet/drift.rs"]
mod drift;
#[path = "fleet/figures.rs"]
mod figures;
#[path = "fleet/hand.rs"]
mod hand;
#[path = "fleet/load.rs"]
mod load;
#[path = "fleet/usage.rs"]
mod usage;
#[path = "fleet/ways.rs"]
mod ways;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ambit_bed::{Bed, BedOptions, Part};

use figures::{Calls, Reading, Spent, line, note, per, seconds, title};
use load::Fleet;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The most that an account's `requestsPerSecond` may be: here it lifts the limit.
const LIFTED: u32 = 1000;
/// Added to each call to the cloud.
const LATENCY: Duration = Duration::from_millis(30);
/// How long nothing must have happened to be called quiet.
const QUIET: Duration = Duration::from_secs(5);
/// How often a settled fleet is looked at in full while it is watched.
const ROUNDS: u64 = 10;
/// How often an account is swept while sweeps are watched.
const INTERVAL: &str = "20s";
/// What one sweep may take, with the pause before it.
const SWEEP_LIMIT: Duration = Duration::from_mins(2);
/// The most calls to the cloud for each identity and sweep.
const CALLS: f64 = 0.01;

#[tokio::main]
async fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let names = ["create", "limited", "settled", "swept", "by-hand", "ways"];
    if let Some(wrong) = asked.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("`{wrong}` is no measurement; there are {}", names.join(", ")).into());
    }
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|one| one == name);
    if wanted("create") {
        create_and_restart().await?;
    }
    if wanted("limited") {
        limited().await?;
    }
    if wanted("settled") {
        settled().await?;
    }
    if wanted("swept") {
        swept().await?;
    }
    if wanted("by-hand") {
        drift::by_hand().await?;
    }
    if wanted("ways") {
        ways::in_and_out().await?;
    }
    Ok(())
}

/// A number from the environment, to measure another size.
fn size(default: usize) -> usize {
    std::env::var("FLEET_SIZE").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The release build that this benchmark is about; `AMBIT_BIN` names another.
fn operator() -> PathBuf {
    std::env::var_os("AMBIT_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_ambit")), PathBuf::from)
}

async fn bed(options: BedOptions) -> Result<Bed> {
    let bed = Bed::start(BedOptions { operator_bin: Some(operator()), latency: LATENCY, ..options }).await?;
    bed.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "cloudaccount/bed"]).await?;
    Ok(bed)
}

/// From nothing to all Ready, then the operator's restart among the settled.
async fn create_and_restart() -> Result<()> {
    let fleet = Fleet::of(size(1000));
    let bed = bed(BedOptions {
        requests_per_second: LIFTED,
        sweep_interval: "1h".to_owned(),
        resync_interval: "6h".to_owned(),
        ..BedOptions::default()
    })
    .await?;
    title(&format!("{} identities from nothing, rate limit lifted", fleet.size()));
    from_nothing(&bed, &fleet).await?;
    await_quiet(&bed).await?;

    title(&format!("restart among {} settled identities", fleet.size()));
    bed.stop_part(Part::Operator).await?;
    let before = Reading::take(&bed).await?;
    let start = Instant::now();
    bed.start_part(Part::Operator).await?;
    load::await_looked_at(&bed, &fleet).await?;
    line("every identity looked at after", &seconds(start.elapsed()));
    await_quiet(&bed).await?;
    let spent = Reading::take(&bed).await?.since(&before);
    line("calls to the cloud for identities", &spent.calls.for_identities.to_string());
    line("calls to the cloud for the account", &spent.calls.for_account.to_string());
    line("writes to the API server", &spent.writes.to_string());
    line("memory of the operator, most", &usage::memory(&bed, Part::Operator)?.to_string());
    bed.finish()?;
    Ok(())
}

/// Makes a fleet with the operator running, and tells what it took.
async fn from_nothing(bed: &Bed, fleet: &Fleet) -> Result<Duration> {
    fleet.prepare(bed).await?;
    line("memory of the operator, idle", &usage::memory(bed, Part::Operator)?.to_string());
    note(&usage::load());
    let before = Reading::take(bed).await?;
    let start = Instant::now();
    fleet.declare(bed).await?;
    line("all objects applied after", &seconds(start.elapsed()));
    let ready = load::await_ready(bed, fleet, start).await?;
    line("all Ready after (from the first apply)", &seconds(ready));
    let spent = Reading::take(bed).await?.since(&before);
    line("calls to the cloud per identity", &per(spent.calls.for_identities, fleet.size()));
    line("calls to the cloud for the account", &spent.calls.for_account.to_string());
    line("writes to the API server per identity", &per(spent.writes, fleet.size()));
    line("events, tokens, leases per identity", &per(spent.apart, fleet.size()));
    line("memory of the operator, most", &usage::memory(bed, Part::Operator)?.to_string());
    for (part, time) in &spent.cpu {
        line(&format!("CPU of {part}"), &seconds(*time));
    }
    spent.details();
    Ok(ready)
}

/// The rate limit sets the pace, and nothing else.
async fn limited() -> Result<()> {
    const RATE: u32 = 50;
    let fleet = Fleet::of(size(300));
    let bed = bed(BedOptions {
        requests_per_second: RATE,
        sweep_interval: "1h".to_owned(),
        resync_interval: "6h".to_owned(),
        ..BedOptions::default()
    })
    .await?;
    title(&format!("{} identities from nothing at {RATE} calls per second", fleet.size()));
    let before = bed.counts().await?;
    let measured = from_nothing(&bed, &fleet).await?;
    let calls = Calls::between(&before, &bed.counts().await?);
    // A second's worth of calls may go at once.
    let paced = (calls.for_identities + calls.for_account).saturating_sub(u64::from(RATE));
    let ideal = Duration::from_secs(paced) / RATE;
    line("time that the limit allows", &seconds(ideal));
    line("measured to allowed", &format!("{:.2}", measured.as_secs_f64() / ideal.as_secs_f64()));
    bed.finish()?;
    Ok(())
}

/// Nothing happens, and is looked at again and again.
async fn settled() -> Result<()> {
    let fleet = Fleet::of(size(1000));
    let bed = bed(BedOptions {
        requests_per_second: LIFTED,
        sweep_interval: "5s".to_owned(),
        resync_interval: "20s".to_owned(),
        ..BedOptions::default()
    })
    .await?;
    title(&format!("{} settled identities, sweep every 5 s, full look every 20 s", fleet.size()));
    fleet.prepare(&bed).await?;
    fleet.declare(&bed).await?;
    load::await_ready(&bed, &fleet, Instant::now()).await?;
    note(&usage::load());
    let before = Reading::take(&bed).await?;
    let start = Instant::now();
    load::await_full_looks(&bed, &before, ROUNDS * fleet.size() as u64).await?;
    let elapsed = start.elapsed();
    let spent = Reading::take(&bed).await?.since(&before);
    let looks = spent.calls.full_looks as f64 / fleet.size() as f64;
    line("full looks at each identity", &format!("{looks:.1} in {}", seconds(elapsed)));
    line("sweeps", &spent.sweeps.to_string());
    line("writes to the cloud", &spent.calls.writes.to_string());
    line("writes to the API server", &spent.writes.to_string());
    line("events", &spent.events.to_string());
    line("calls to the cloud per identity and look", &per(spent.calls.for_identities, spent.calls.full_looks as usize));
    line("calls to the cloud per sweep and identity", &format!("{:.4}", spent.calls_per_sweep() / fleet.size() as f64));
    line("memory of the operator, most", &usage::memory(&bed, Part::Operator)?.to_string());
    for (part, time) in &spent.cpu {
        line(&format!("CPU of {part}"), &seconds(*time));
    }
    spent.details();
    bed.finish()?;
    Ok(())
}

/// Waits until neither cloud nor API server was asked for anything for a while.
async fn await_quiet(bed: &Bed) -> Result<()> {
    let mut last = Reading::take(bed).await?;
    let mut since = Instant::now();
    while since.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = Reading::take(bed).await?;
        if now.busier_than(&last) {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}

fn options(sweep_interval: &str) -> BedOptions {
    BedOptions {
        requests_per_second: LIFTED,
        sweep_interval: sweep_interval.to_owned(),
        resync_interval: "6h".to_owned(),
        ..BedOptions::default()
    }
}

/// Most roles of the account are others', nothing changes, and it is swept again and again.
async fn swept() -> Result<()> {
    const WATCHED: u64 = 5;
    let fleet = Fleet::of(size(1000));
    let foreign = std::env::var("FOREIGN_ROLES").ok().and_then(|text| text.parse().ok()).unwrap_or(9000);
    let bed = bed(options(INTERVAL)).await?;
    title(&format!("{} settled identities among {foreign} roles of others, sweep every {INTERVAL}", fleet.size()));
    fleet.prepare(&bed).await?;
    hand::Hand::of(&bed).plant(foreign).await?;
    fleet.declare(&bed).await?;
    load::await_ready(&bed, &fleet, Instant::now()).await?;
    further_sweeps(&bed, 2).await?;
    note(&usage::load());
    let names = ["ambit_sweep_pages_total", "ambit_sweep_suspects_total", "ambit_sweeps_broken_total"];
    let mut earlier = Vec::new();
    for name in names {
        earlier.push(count(&bed, name).await);
    }
    let before = Reading::take(&bed).await?;
    let start = Instant::now();
    let times = further_sweeps(&bed, WATCHED).await?;
    let (elapsed, spent) = (start.elapsed(), Reading::take(&bed).await?.since(&before));
    let mut later = Vec::new();
    for (name, earlier) in names.into_iter().zip(earlier) {
        later.push(count(&bed, name).await.saturating_sub(earlier));
    }
    let roles = count(&bed, "ambit_sweep_roles{").await;
    let ours = count(&bed, "ambit_sweep_roles_ours{").await;

    line("sweeps", &format!("{} in {}", spent.sweeps, seconds(elapsed)));
    line("roles in a sweep, and ours of them", &format!("{roles}, {ours}"));
    line("pages per sweep", &per(later[0], WATCHED as usize));
    let per_identity = cost(&bed, &fleet, &spent)?;
    let longest = times.iter().max().copied().unwrap_or_default();
    line("duration of a sweep, median and longest", &format!("{}, {}", seconds(median(times)), seconds(longest)));
    spent.details();

    let mut expected = Expected::default();
    expected.equal("sweeps", spent.sweeps, WATCHED);
    expected.equal("sweeps that were broken off", later[2], 0);
    expected.equal("identities that a sweep found different", later[1], 0);
    expected.equal("roles of ours", ours, fleet.size() as u64);
    expected.equal("roles in a sweep", roles, (fleet.size() + foreign) as u64);
    expected.equal("calls to the cloud for pages", spent.calls.sweeps, later[0]);
    expected.equal("writes to the cloud", spent.calls.writes, 0);
    expected.equal("writes to the API server", spent.writes, 0);
    expected.equal("events", spent.events, 0);
    // With more roles to an identity there are more pages to it.
    if foreign <= 9 * fleet.size() {
        expected.hold(per_identity <= CALLS, || {
            format!("calls to the cloud per identity and sweep: {per_identity:.4}, and {CALLS} is the most")
        });
    }
    bed.finish()?;
    expected.end()
}

/// Tells what the sweeps cost; the calls to the cloud per identity and sweep.
fn cost(bed: &Bed, fleet: &Fleet, spent: &Spent) -> Result<f64> {
    let (number, calls) = (spent.sweeps.max(1), spent.calls.for_identities + spent.calls.for_account);
    let per_identity = calls as f64 / number as f64 / fleet.size() as f64;
    line("calls to the cloud per sweep, checks and all", &per(calls, number as usize));
    line("calls to the cloud per identity and sweep", &format!("{per_identity:.4} (at most {CALLS})"));
    line("writes to the cloud", &spent.calls.writes.to_string());
    line("writes to the API server", &spent.writes.to_string());
    line("events, tokens, leases", &spent.apart.to_string());
    let cpu = spent.cpu.get(&Part::Operator).copied().unwrap_or_default();
    line("CPU of the operator per sweep", &seconds(cpu / number as u32));
    line("memory of the operator, most", &usage::memory(bed, Part::Operator)?.to_string());
    Ok(per_identity)
}

async fn count(bed: &Bed, name: &str) -> u64 {
    load::metric(bed, name).await as u64
}

/// Waits for so many further sweeps, and tells how long each took.
async fn further_sweeps(bed: &Bed, number: u64) -> Result<Vec<Duration>> {
    let before = count(bed, "ambit_sweeps_total").await;
    let mut times = Vec::new();
    for done in 1..=number {
        let start = Instant::now();
        while count(bed, "ambit_sweeps_total").await < before + done {
            if start.elapsed() > SWEEP_LIMIT {
                return Err(format!("no sweep reached its end within {} s", SWEEP_LIMIT.as_secs()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        times.push(Duration::from_secs_f64(load::metric(bed, "ambit_sweep_duration_seconds").await));
    }
    Ok(times)
}

/// Half of them are shorter.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// What must be so: all of it is looked at before a failure ends the measurement.
#[derive(Default)]
struct Expected(Vec<String>);

impl Expected {
    fn equal(&mut self, what: &str, found: u64, wanted: u64) {
        if found != wanted {
            self.0.push(format!("{what}: {found} instead of {wanted}"));
        }
    }

    fn hold(&mut self, right: bool, otherwise: impl FnOnce() -> String) {
        if !right {
            self.0.push(otherwise());
        }
    }

    fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0.join("\n").into()) }
    }
}
