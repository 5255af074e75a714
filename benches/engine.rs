//! The policy engine: how long a comparison, a decision, a reading takes, and
//! what memory it needs.
//!
//! `cargo bench --bench engine` measures everything; the name of one of the
//! measurements may follow. Changes of AWS's managed policies are what is
//! compared; `make tools` fetches them. Where a mean says enough, Criterion
//! measures. `BENCHMARKS.md` tells what came out.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures for people: counts are far from where this matters")]

#[path = "engine/child.rs"]
mod child;
#[path = "engine/managed.rs"]
mod managed;
#[path = "engine/sample.rs"]
mod sample;
#[path = "engine/table.rs"]
mod table;

use std::hint::black_box;
use std::time::{Duration, Instant};

use ambit::policy::compare::{Cache, Comparison, Verdict, compare};
use ambit::policy::evaluate::{Prepared, alone, decide};
use ambit::policy::{Document, Policy};
use criterion::{Criterion, Throughput};

use managed::Pair;
use table::{line, micros, millis, note, per_second, title};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The allocator of Ambit itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Each pair is compared so often, and the shortest time counts: whatever else the machine does only adds to it.
const ROUNDS: usize = 7;
/// How often a fresh process is started for each figure that needs one.
const STARTS: usize = 11;
/// What most roles have fits into so many bytes.
const SMALL: usize = 2_048;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, what, rest @ ..] = arguments.as_slice()
        && flag == child::FLAG
    {
        return child::run(what, rest);
    }
    let names = ["compare", "cache", "evaluate", "read", "catalogue", "batch", "memory"];
    let asked = arguments.into_iter().find(|argument| !argument.starts_with('-'));
    if let Some(wrong) = asked.as_ref().filter(|name| !names.contains(&name.as_str())) {
        return Err(format!("`{wrong}` is no measurement; there are {}", names.join(", ")).into());
    }
    let wanted = |name: &str| asked.as_ref().is_none_or(|asked| asked == name);

    note(&format!("load of the machine before: {}", table::load()));
    let lines = managed::lines()?;
    let mut criterion = Criterion::default().configure_from_args().without_plots();
    if wanted("compare") {
        compare_pairs(&lines)?;
    }
    if wanted("cache") {
        cache(&mut criterion, &lines)?;
    }
    if wanted("evaluate") {
        evaluate(&mut criterion)?;
    }
    if wanted("read") {
        read(&mut criterion)?;
    }
    if wanted("catalogue") {
        catalogue()?;
    }
    if wanted("batch") {
        batch(&lines)?;
    }
    if wanted("memory") {
        memory(&lines)?;
    }
    Ok(())
}

/// One pair's times.
struct Timed<'a> {
    pair: &'a Pair,
    compared: Duration,
    read: Duration,
}

/// Every pair, both directions, on one thread.
fn compare_pairs(lines: &[String]) -> Result<()> {
    title("comparison of managed policies, one thread");
    let pairs = managed::pairs(lines)?;
    // The catalogue's first use is a measurement of its own.
    for service in ambit::policy::Catalogue::embedded().services() {
        black_box(service);
    }
    let mut timed = Vec::with_capacity(pairs.len());
    let mut decided = 0;
    for pair in &pairs {
        let (read, (old, new)) = shortest(|| (Policy::read(&pair.old), Policy::read(&pair.new)));
        let (old, new) = (old?, new?);
        let (compared, found) = shortest(|| compare(&old, &new));
        decided += decided_directions(&found?);
        timed.push(Timed { pair, compared, read });
    }
    let directions = pairs.len() * 2;
    line("pairs", &pairs.len().to_string());
    line(
        "directions decided",
        &format!("{decided} of {directions} ({:.2} %)", decided as f64 * 100.0 / directions as f64),
    );
    percentiles("both directions, all pairs", timed.iter().map(|timed| timed.compared));
    percentiles("a direction (half of both), all pairs", timed.iter().map(|timed| timed.compared / 2));
    let is_small = |timed: &&Timed<'_>| timed.pair.old.len().max(timed.pair.new.len()) <= SMALL;
    let small: Vec<Duration> = timed.iter().filter(is_small).map(|timed| timed.compared / 2).collect();
    percentiles(&format!("a direction, {} pairs of at most 2 kB each", small.len()), small.into_iter());
    percentiles("reading both policies", timed.iter().map(|timed| timed.read));
    timed.sort_by_key(|timed| timed.compared);
    for slow in timed.iter().rev().take(5) {
        let size = (slow.pair.old.len() + slow.pair.new.len()) / 1000;
        note(&format!("{}: {} for both directions, {size} kB", slow.pair.id, millis(slow.compared)));
    }
    Ok(())
}

fn decided_directions(found: &Comparison) -> usize {
    let is_decided = |verdict: &Verdict| !matches!(verdict, Verdict::Unknown { .. });
    usize::from(is_decided(&found.forward.verdict)) + usize::from(is_decided(&found.backward.verdict))
}

/// The shortest of several times, and what came of it.
fn shortest<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let start = Instant::now();
        let out = black_box(work());
        (start.elapsed(), out)
    };
    let mut best = once();
    for _ in 1..ROUNDS {
        let next = once();
        if next.0 < best.0 {
            best = next;
        }
    }
    best
}

fn percentiles(what: &str, times: impl Iterator<Item = Duration>) {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let at = |hundredths: usize| times.get((times.len() * hundredths / 100).min(times.len().saturating_sub(1)));
    let shown = [50, 90, 99, 100].map(|hundredths| at(hundredths).map_or_else(String::new, |time| micros(*time)));
    let [p50, p90, p99, most] = shown;
    line(what, &format!("p50 {p50}, p90 {p90}, p99 {p99}, most {most}"));
}

/// A comparison that was made before.
fn cache(criterion: &mut Criterion, lines: &[String]) -> Result<()> {
    title("a comparison from the cache");
    let pairs = managed::pairs(lines)?;
    let read = |pair: &Pair| Some((Document::read(&pair.old).ok()?, Document::read(&pair.new).ok()?));
    let documents: Vec<(Document, Document)> = pairs.iter().filter_map(read).take(1_000).collect();
    let cache = Cache::new(documents.len());
    for (old, new) in &documents {
        cache.compare(old, new)?;
    }
    let mut group = criterion.benchmark_group("cache");
    let mut all = documents.iter().cycle();
    group.bench_function("one of a thousand", |bencher| {
        bencher.iter(|| all.next().map(|(old, new)| cache.compare(old, new)));
    });
    group.finish();
    Ok(())
}

/// Requests a second, on policies that were taken apart before.
fn evaluate(criterion: &mut Criterion) -> Result<()> {
    title("decisions of the evaluator");
    let text = sample::policy();
    let policy = Prepared::new(&Policy::read(&text)?);
    let layers = sample::layers(&text)?.map(Prepared::new);
    let requests = sample::requests();
    line("the policy", &format!("{} bytes, {} requests in turn", text.len(), requests.len()));
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(requests.len() as u64));
    group.bench_function("one policy alone", |bencher| {
        bencher.iter(|| requests.iter().filter(|request| alone(&policy, request).matched.is_empty()).count());
    });
    group.bench_function("all layers", |bencher| {
        bencher.iter(|| requests.iter().filter(|request| decide(&layers, request).matched.is_empty()).count());
    });
    group.finish();
    Ok(())
}

/// How fast a policy is read and taken apart.
fn read(criterion: &mut Criterion) -> Result<()> {
    title("reading a policy");
    let text = sample::policy();
    let policy = Policy::read(&text)?;
    line("the policy", &format!("{} bytes", text.len()));
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("policy", |bencher| bencher.iter(|| Policy::read(black_box(&text))));
    group.bench_function("document with its digests", |bencher| bencher.iter(|| Document::read(black_box(&text))));
    group.bench_function("for the evaluator", |bencher| bencher.iter(|| Prepared::new(black_box(&policy))));
    group.finish();
    Ok(())
}

/// The first look into the catalogue, in fresh processes.
fn catalogue() -> Result<()> {
    title("the catalogue's first use, in a fresh process");
    line("its size in the binary", &format!("{:.2} MB", sample::CATALOGUE.len() as f64 / 1e6));
    for (what, words) in [("one action", "action"), ("every service", "all")] {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            times.push(child::figure("catalogue", &[words])?);
        }
        times.sort_unstable();
        let [least, middle] = [0, STARTS / 2].map(|at| micros(Duration::from_nanos(times[at])));
        line(what, &format!("shortest {least}, median {middle}"));
    }
    Ok(())
}

/// Lines a second of `ambit policy compare --batch`, on one core and on all.
fn batch(lines: &[String]) -> Result<()> {
    title("`ambit policy compare --batch`");
    let input = lines.join("\n");
    let cores = std::thread::available_parallelism()?.get();
    for (what, threads) in [("on one core", 1), ("on all cores", cores)] {
        let mut best = child::Run::default();
        for round in 0..3 {
            let run = child::batch(&input, threads)?;
            if round == 0 || run.wall < best.wall {
                best = run;
            }
        }
        let rate = per_second(lines.len(), best.wall);
        line(
            what,
            &format!(
                "{rate} lines a second ({:.2} s; {:.2} s of processor time)",
                best.wall.as_secs_f64(),
                best.cpu.as_secs_f64()
            ),
        );
    }
    Ok(())
}

/// What one comparison adds to the memory of a fresh process, for the pairs that are slowest or largest.
fn memory(lines: &[String]) -> Result<()> {
    title("memory of one comparison, in a fresh process");
    let pairs = managed::pairs(lines)?;
    let mut numbers = Vec::new();
    for (number, pair) in pairs.iter().enumerate() {
        let (old, new) = (Policy::read(&pair.old)?, Policy::read(&pair.new)?);
        let start = Instant::now();
        black_box(compare(&old, &new)?);
        numbers.push((number, start.elapsed(), pair.old.len() + pair.new.len()));
    }
    numbers.sort_by_key(|(_, time, _)| std::cmp::Reverse(*time));
    let mut worst: Vec<usize> = numbers.iter().take(10).map(|(number, ..)| *number).collect();
    numbers.sort_by_key(|(.., size)| std::cmp::Reverse(*size));
    worst.extend(numbers.iter().take(10).map(|(number, ..)| *number));
    for (what, first) in [("with the catalogue's first use", "cold"), ("after it", "warm")] {
        let mut most = (0, "");
        for number in &worst {
            let bytes = child::figure("memory", &[first, &number.to_string()])?;
            most = most.max((bytes, &pairs[*number].id));
        }
        line(what, &format!("at most {:.1} MB ({})", most.0 as f64 / 1e6, most.1));
    }
    Ok(())
}
