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

#[path = "fleet/figures.rs"]
mod figures;
#[path = "fleet/load.rs"]
mod load;
#[path = "fleet/usage.rs"]
mod usage;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ambit_bed::{Bed, BedOptions, Part};

use figures::{Calls, Reading, line, note, per, seconds, title};
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

#[tokio::main]
async fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let names = ["create", "limited", "settled"];
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
