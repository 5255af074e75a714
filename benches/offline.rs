//! `ambit plan`: how long it takes over many identities, and from the start of
//! the process to its first answer.
//!
//! `cargo bench --bench offline` measures everything; `plan` or `start` may
//! follow. Files are made up: one identity each, of which one in twenty changes.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ambit::names::InstallationId;
use ambit::offline::change::{Ground, changes};
use ambit::offline::{World, manifest};
use ambit::policy::Catalogue;
use criterion::Criterion;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The allocator of Ambit itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IDENTITIES: usize = 1000;
/// One in so many changes.
const SHARE: usize = 20;
/// How often a fresh process is started for each figure.
const STARTS: usize = 11;

fn main() -> Result<()> {
    let asked = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if let Some(wrong) = asked.as_ref().filter(|name| !["plan", "start"].contains(&name.as_str())) {
        return Err(format!("`{wrong}` is no measurement; there are plan, start").into());
    }
    let wanted = |name: &str| asked.as_ref().is_none_or(|asked| asked == name);
    let folder = Folder::new()?;
    if wanted("plan") {
        plan(&folder.0)?;
        compared();
    }
    if wanted("start") {
        start(&folder.0)?;
    }
    Ok(())
}

/// A folder with both sides. It goes at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("ambit-bench-offline-{}", std::process::id()));
        for side in ["old", "new", "one", "two"] {
            std::fs::create_dir_all(path.join(side))?;
        }
        std::fs::write(path.join("beside.yaml"), BESIDE)?;
        for number in 0..IDENTITIES {
            std::fs::write(path.join(format!("old/{number}.yaml")), identity(number, false))?;
            std::fs::write(path.join(format!("new/{number}.yaml")), identity(number, number % SHARE == 0))?;
        }
        std::fs::write(path.join("one/0.yaml"), identity(0, false))?;
        std::fs::write(path.join("two/0.yaml"), identity(0, true))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const BESIDE: &str = r#"
apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: "123456789012"
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: "https://oidc.example.com/id/A"}}
  namespaceSelector: {}
---
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: tenants}
spec:
  namespaceSelector: {}
  allow: [{name: data, access: [List, Read, Write], resources: ["arn:aws:s3:::*", "arn:aws:sqs:*:*:*"]}]
---
"#;

/// An identity with two scopes; changed, it may delete too.
fn identity(number: usize, changed: bool) -> String {
    let more = if changed { ", \"s3:DeleteObject\"" } else { "" };
    format!(
        r#"apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata: {{name: i{number}, namespace: team-{team}}}
spec:
  accountRef: {{name: prod}}
  subject: {{serviceAccount: {{name: i{number}}}}}
  scopes:
  - name: inbox
    access: [List, Read]
    resources: ["arn:aws:s3:::in-{number}", "arn:aws:s3:::in-{number}/*"]
  - name: outbox
    actions: ["s3:PutObject"{more}]
    resources: ["arn:aws:s3:::out-{number}/*"]
  - name: publish
    actions: ["sqs:SendMessage"]
    resources: ["arn:aws:sqs:eu-west-1:123456789012:q-{number}"]
---
"#,
        team = number % 50
    )
}

/// The whole command over many identities.
fn plan(folder: &Path) -> Result<()> {
    let changed = IDENTITIES.div_ceil(SHARE);
    println!("plan over {IDENTITIES} identities, {changed} of them changed");
    figures("whole process, old against new", || process(folder, "new", "old", 3))?;
    figures("whole process, nothing changed", || process(folder, "old", "old", 0))
}

/// From the start of the process to its end, for one file.
fn start(folder: &Path) -> Result<()> {
    println!("plan over one file");
    figures("whole process", || process(folder, "two", "one", 3))
}

/// The comparison alone, without reading files.
fn compared() {
    let world = |changed: &dyn Fn(usize) -> bool| {
        let all: String = (0..IDENTITIES).map(|number| identity(number, changed(number))).collect();
        World::of(manifest::read("f", &format!("{BESIDE}{all}")).objects, Vec::new(), "default").0
    };
    let (old, new, whole) = (world(&|_| false), world(&|number| number % SHARE == 0), world(&|_| true));
    let Ok(installation) = InstallationId::parse("bench") else { return };
    let mut criterion = Criterion::default().configure_from_args().without_plots();
    for threads in [1, 2] {
        let ground = Ground { installation: &installation, catalogue: Catalogue::embedded(), threads };
        criterion.bench_function(&format!("compared, 1 in {SHARE}, {threads} threads"), |bencher| {
            bencher.iter(|| changes(&old, &new, ground));
        });
        let mut group = criterion.benchmark_group("compared");
        group.sample_size(10);
        group.bench_function(format!("all, {threads} threads"), |bencher| {
            bencher.iter(|| changes(&old, &whole, ground));
        });
    }
}

/// How long one run takes; an error unless it ends with that code.
fn process(folder: &Path, new: &str, base: &str, code: i32) -> Result<Duration> {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_ambit"))
        .args(["plan", "-f", new, "--base", base, "--with", "beside.yaml"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .status()?;
    let took = start.elapsed();
    if status.code() == Some(code) { Ok(took) } else { Err(format!("`ambit plan` ended with {status}").into()) }
}

/// The first run, and the middle and the best of the later ones.
fn figures(what: &str, run: impl Fn() -> Result<Duration>) -> Result<()> {
    let first = run()?;
    let mut times = (0..STARTS).map(|_| run()).collect::<Result<Vec<Duration>>>()?;
    times.sort();
    let millis =
        |time: Option<&Duration>| format!("{:.1} ms", time.copied().unwrap_or_default().as_secs_f64() * 1000.0);
    println!(
        "  {what:<34} first {}, then {} in the middle, {} at best",
        millis(Some(&first)),
        millis(times.get(STARTS / 2)),
        millis(times.first())
    );
    Ok(())
}
