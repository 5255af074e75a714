//! One sweep over an account of 100,000 roles, behind the port in memory: calls,
//! processor time and resident memory.
//!
//! `cargo bench --bench drift` runs it; `DRIFT_ROLES` and `DRIFT_IDENTITIES`
//! choose another size. Every identity is settled: its status says so, and its
//! role is as declared. The rest of the roles are somebody else's.
//!
//! The resident memory contains the account itself and every object of the
//! cluster, which an operator keeps as a cache.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::cast_precision_loss, reason = "figures for people: far from where it matters")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ambit::api::v1alpha1::{AwsStatus, CloudAccount, MachineIdentity, ScopePolicy};
use ambit::cloud::aws::PERMISSIONS;
use ambit::cloud::{Cloud as _, MemoryCloud, MemoryRole};
use ambit::cluster::MemoryCluster;
use ambit::controller::Memory;
use ambit::controller::accounts::Accounts;
use ambit::controller::context::{Context, Timing, World};
use ambit::controller::sweep::{Report, Sweeps};
use ambit::names::{BoundaryArn, IdentityKey, InstallationId};
use ambit::plan::account::AccountSettings;
use ambit::plan::{Declaration, Findings, Grounds, Reason, Resolved, Verdict, compile, conclude};
use ambit::policy::Catalogue;
use ambit::telemetry::metrics::Metrics;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The allocator of Ambit itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ACCOUNT: &str = "prod";
const NAMESPACE: &str = "shop";
const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/ambit-boundary";
/// One in so many roles is changed by hand for the last sweep.
const SHARE: usize = 100;
/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let roles = size("DRIFT_ROLES", 100_000);
    let fleet = Fleet::settled(roles, size("DRIFT_IDENTITIES", roles).min(roles))?;
    println!("{roles} roles in the account, {} identities", fleet.identities.len());
    line("resident before any sweep", &memory("VmRSS:")?);

    let read = fleet.pages().await?;
    read.tell("all pages, nothing compared");
    // As after a restart, when nobody has judged the declarations yet.
    fleet.sweep("the first sweep: all is judged and compared").await?.expecting(0)?;
    fleet.world.revision.fetch_add(1, Ordering::Relaxed);
    fleet.sweep("a policy has changed: all is compared anew").await?.expecting(0)?;
    fleet.sweep("nothing has changed").await?.expecting(0)?;
    let changed = fleet.change_by_hand();
    fleet.sweep(&format!("{changed} roles were changed by hand")).await?.expecting(changed)?;
    line("writes to the cloud", &fleet.cloud.writes().values().sum::<u64>().to_string());
    line("resident at most", &memory("VmHWM:")?);
    Ok(())
}

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What identities are judged by, as plain data.
struct Plain {
    account: Arc<CloudAccount>,
    policies: Vec<Arc<ScopePolicy>>,
    revision: AtomicU64,
}

impl World for Plain {
    fn grounds<'a>(
        &self,
        _: &IdentityKey,
        _: &MachineIdentity,
        installation: &'a InstallationId,
    ) -> Option<Grounds<'a>> {
        Some(Grounds {
            installation,
            account: Some(Arc::clone(&self.account)),
            namespace_labels: BTreeMap::new(),
            policies: self.policies.clone(),
            earlier_claim: None,
        })
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

/// An account, and the identities whose roles are in it.
struct Fleet {
    cloud: MemoryCloud,
    world: Arc<Plain>,
    context: Context,
    identities: Vec<Arc<MachineIdentity>>,
    names: Vec<String>,
}

/// What one sweep took.
struct Spent {
    report: Report,
    calls: u64,
    cpu: Duration,
    elapsed: Duration,
}

impl Fleet {
    /// Everything as after the last of many reconciliations.
    fn settled(roles: usize, identities: usize) -> Result<Self> {
        let installation = InstallationId::parse("bench")?;
        let world = Arc::new(Plain {
            account: Arc::new(read(account())?),
            policies: vec![Arc::new(read(scope_policy())?)],
            revision: AtomicU64::new(0),
        });
        let settings = AccountSettings::parse(&world.account.spec, &installation)?;
        let cloud = MemoryCloud::new(settings.account.clone(), settings.path.clone(), installation.clone());
        cloud.add_boundary(&BoundaryArn::parse(BOUNDARY)?);
        let mut fleet = Self {
            context: context(installation, Arc::<Plain>::clone(&world)),
            cloud,
            world,
            identities: Vec::with_capacity(identities),
            names: Vec::with_capacity(identities),
        };
        for number in 0..roles {
            if number < identities {
                fleet.settle(number, &settings)?;
            } else {
                fleet.cloud.plant(stranger(number));
            }
        }
        Ok(fleet)
    }

    /// One more identity whose role is as declared and whose status says so.
    fn settle(&mut self, number: usize, settings: &AccountSettings) -> Result<()> {
        let mut identity: MachineIdentity = read(identity(number))?;
        let key = IdentityKey::new(NAMESPACE, format!("orders-{number}"));
        let declaration = Declaration { identity: &identity, key: &key };
        let installation = &self.context.installation;
        let resolved = compile(declaration, settings.clone(), installation, Catalogue::embedded())
            .map_err(|refusal| refusal.verdict.message)?;
        let name = resolved.desired.name.to_string();
        self.cloud.plant(role(&resolved, settings));
        let id = self.cloud.role(&name).map(|role| role.id);
        identity.status = Some(conclude(None, Some(1), findings(&resolved, id), jiff::Timestamp::UNIX_EPOCH));
        self.identities.push(Arc::new(identity));
        self.names.push(name);
        Ok(())
    }

    /// Reads all pages and drops them.
    async fn pages(&self) -> Result<Spent> {
        let calls = || self.cloud.calls().values().sum::<u64>();
        let (asked, before, start) = (calls(), cpu()?, Instant::now());
        let mut report = Report::default();
        let mut next = None;
        loop {
            let page = self.cloud.sweep(next.as_ref()).await?;
            report.pages += 1;
            report.roles += page.principals.len();
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        Ok(Spent { report, calls: calls() - asked, cpu: cpu()?.saturating_sub(before), elapsed: start.elapsed() })
    }

    /// Sweeps once and tells what it took.
    async fn sweep(&self, what: &str) -> Result<Spent> {
        let calls = || self.cloud.calls().values().sum::<u64>();
        let identities = self.identities.clone();
        let (asked, before, start) = (calls(), cpu()?, Instant::now());
        let report = self.context.sweeps.run(&self.context, (ACCOUNT, &self.cloud), identities).await;
        let (elapsed, spent) = (start.elapsed(), cpu()?.saturating_sub(before));
        let report = report.map_err(|broken| broken.error)?;
        let spent = Spent { report, calls: calls() - asked, cpu: spent, elapsed };
        spent.tell(what);
        Ok(spent)
    }

    /// Changes one in a hundred roles, each in another way than the one before.
    fn change_by_hand(&self) -> usize {
        let ways: [fn(&mut MemoryRole); 5] = [
            |role| drop(role.inline.remove(PERMISSIONS)),
            |role| role.attached.extend(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]),
            |role| role.boundary = None,
            |role| role.trust = role.trust.replace("StringEquals", "StringEqualsIfExists"),
            |role| {
                let wider = role.inline.get(PERMISSIONS).map(|text| text.replace("sqs:SendMessage", "sqs:*"));
                role.inline.extend(wider.map(|text| (PERMISSIONS.to_owned(), text)));
            },
        ];
        let chosen = self.names.iter().step_by(SHARE).zip(ways.iter().cycle());
        chosen.filter(|(name, way)| self.cloud.change_by_hand(name, way)).count()
    }
}

impl Spent {
    fn tell(&self, what: &str) {
        println!("\n{what}");
        let Report { pages, roles, ours, suspects, .. } = &self.report;
        line("calls and pages", &format!("{} and {pages}", self.calls));
        line("roles, ours, that differ", &format!("{roles}, {ours}, {}", suspects.len()));
        line("processor time", &format!("{:.2} s", self.cpu.as_secs_f64()));
        line("elapsed", &format!("{:.2} s", self.elapsed.as_secs_f64()));
        line("resident now", &memory("VmRSS:").unwrap_or_default());
    }

    /// Fails unless exactly so many identities were found to differ, by as many calls as pages.
    fn expecting(self, suspects: usize) -> Result<()> {
        if self.report.suspects.len() != suspects || self.calls != self.report.pages as u64 {
            return Err(format!("expected {suspects} that differ and as many calls as pages").into());
        }
        Ok(())
    }
}

fn context(installation: InstallationId, world: Arc<Plain>) -> Context {
    Context {
        installation,
        cluster: Arc::new(MemoryCluster::default()),
        accounts: Arc::new(Accounts::default()),
        world,
        memory: Memory::default(),
        sweeps: Sweeps::default(),
        injects: true,
        timing: Timing { resync: Duration::from_hours(6), consistency_window: Duration::from_secs(15) },
        metrics: Metrics::default(),
        catalogue: Catalogue::embedded(),
        clock: jiff::Timestamp::now,
        steady: || std::time::Duration::ZERO,
        spread: || 0.5,
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    Ok(serde_json::from_value(value)?)
}

fn account() -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "CloudAccount",
        "metadata": {"name": ACCOUNT, "uid": "uid-account", "generation": 1},
        "spec": {
            "aws": {
                "accountId": "123456789012", "region": "eu-west-1", "permissionsBoundaryArn": BOUNDARY,
                "federation": {"webIdentity": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/BENCH"}},
            },
            "namespaceSelector": {},
        },
    })
}

fn scope_policy() -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "ScopePolicy", "metadata": {"name": "all"},
        "spec": {"namespaceSelector": {}, "allow": [{"name": "any", "actions": ["s3:*", "sqs:*"], "resources": ["*"]}]},
    })
}

fn identity(number: usize) -> Value {
    json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
        "metadata": {
            "name": format!("orders-{number}"), "namespace": NAMESPACE, "uid": format!("uid-{number}"), "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "accountRef": {"name": ACCOUNT},
            "subject": {"serviceAccount": {"name": format!("orders-{number}")}},
            "scopes": [
                {"name": "inbox", "actions": ["s3:GetObject"], "resources": [format!("arn:aws:s3:::orders-in-{number}/*")]},
                {"name": "publish", "actions": ["sqs:SendMessage"],
                 "resources": [format!("arn:aws:sqs:eu-west-1:123456789012:orders-{number}")]},
            ],
        },
    })
}

/// A role as declared.
fn role(resolved: &Resolved, settings: &AccountSettings) -> MemoryRole {
    let desired = &resolved.desired;
    let mut role = MemoryRole::foreign(desired.name.as_str(), settings.path.as_str());
    role.tag(&desired.owner);
    desired.trust.text().clone_into(&mut role.trust);
    role.boundary = Some(desired.boundary.to_string());
    role.session = desired.session.get();
    role.inline.insert(PERMISSIONS.to_owned(), desired.permissions.text().to_owned());
    role
}

/// A role that somebody else made, with a policy of the usual size.
fn stranger(number: usize) -> MemoryRole {
    let mut role = MemoryRole::foreign(&format!("theirs-{number}"), "/");
    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": format!("arn:aws:s3:::theirs-{number}/*"),
    }]});
    role.inline.insert("theirs".to_owned(), document.to_string());
    role
}

/// What a reconciliation finds when all is well.
fn findings(resolved: &Resolved, id: Option<String>) -> Findings {
    let good = |reason| Verdict::good(reason, "all is as declared");
    Findings {
        accepted: good(Reason::Accepted),
        provisioned: good(Reason::Provisioned),
        bound: good(Reason::Bound),
        in_sync: good(Reason::InSync),
        credentials: good(Reason::Federated),
        proof: good(Reason::Verified),
        aws: Some(AwsStatus {
            role_arn: Some(resolved.role_arn.clone()),
            role_id: id,
            user_arn: None,
            user_id: None,
            permissions_digest: resolved.desired.permissions.meaning().to_string(),
            trust_digest: resolved.desired.trust.meaning().to_string(),
            permissions_boundary_arn: Some(BOUNDARY.to_owned()),
            session_seconds: i32::try_from(resolved.desired.session.get()).ok(),
            sessions_denied_before: None,
            pod_identity_association: None,
        }),
        issued: None,
        drift: Some(Vec::new()),
        contest: None,
        suspension: None,
        delivery: None,
        handled: None,
        summary: Some(resolved.summary.clone()),
        scopes: 2,
    }
}

/// What this process used of the processor, user and system together.
fn cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold spaces; after it, user and system time are the 12th and 13th field.
    let rest = stat.rsplit_once(')').ok_or("the kernel does not tell the processor time")?.1;
    let ticks: u32 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// A field of this process's memory in words.
fn memory(field: &str) -> Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("the kernel does not tell it")?;
    let kib: u64 = value.trim().trim_end_matches(" kB").parse()?;
    Ok(format!("{:.0} MB", kib as f64 * 1024.0 / 1e6))
}

fn line(what: &str, value: &str) {
    println!("  {what:<32} {value}");
}
