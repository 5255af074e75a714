use futures::StreamExt as _;
use futures::channel::mpsc;
use jiff::Timestamp;
use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};

use super::*;
use crate::cloud::{Cloud, Fault, FaultPlan, FaultyQueue, MemoryCloud, MemoryQueue};
use crate::cluster::MemoryCluster;
use crate::controller::accounts::{Account, Accounts};
use crate::controller::claims::Claims;
use crate::controller::context::Timing;
use crate::controller::memory::Memory;
use crate::controller::sweep::Sweeps;
use crate::domain::Target;
use crate::names::InstallationId;
use crate::policy::Catalogue;

const ACCOUNT: &str = "prod";

/// What an operator listens with, and the other ends of what they wake.
struct Stage {
    listening: Arc<Listening>,
    queue: MemoryQueue,
    woken: mpsc::Receiver<ObjectRef<MachineIdentity>>,
    woken_accounts: mpsc::Receiver<ObjectRef<CloudAccount>>,
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn identity(account: &str, name: &str) -> MachineIdentity {
    read(json!({
        "apiVersion": "ambit.dev/v1alpha1", "kind": "MachineIdentity",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-of-{name}")},
        "spec": {"accountRef": {"name": account}, "subject": {"serviceAccount": {"name": "a"}}, "scopes": []},
    }))
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn stage() -> Stage {
    let (identities, mut writer) = reflector::store();
    writer.apply_watcher_event(&Event::Init);
    for identity in [identity(ACCOUNT, "orders"), identity(ACCOUNT, "mailer"), identity("test", "other")] {
        writer.apply_watcher_event(&Event::InitApply(identity));
    }
    writer.apply_watcher_event(&Event::InitDone);
    let claims = Arc::new(Claims::default());
    claims.complete();
    let caches = Caches {
        identities,
        accounts: reflector::store().0,
        policies: reflector::store().0,
        namespaces: reflector::store().0,
        claims,
        changes: Arc::default(),
    };
    let context = Context {
        installation: InstallationId::parse("bed").unwrap(),
        cluster: Arc::new(MemoryCluster::default()),
        accounts: Arc::new(Accounts::default()),
        world: Arc::new(caches.clone()),
        memory: Memory::default(),
        sweeps: Sweeps::default(),
        timing: Timing { resync: Duration::from_hours(1), consistency_window: Duration::from_secs(15) },
        metrics: Metrics::default(),
        injects: true,
        catalogue: Catalogue::embedded(),
        clock: now,
        steady: || Duration::ZERO,
        spread: || 0.5,
    };
    let (wake, woken) = mpsc::channel(8);
    let (wake_accounts, woken_accounts) = mpsc::channel(8);
    let listening = Listening { context: Arc::new(context), caches, metrics: Metrics::default(), wake, wake_accounts };
    Stage { listening: Arc::new(listening), queue: MemoryQueue::default(), woken, woken_accounts }
}

fn change(event: &str, target: Target) -> ChangeEvent {
    ChangeEvent {
        at: now(),
        event: event.to_owned(),
        operation: "iam:PutRolePolicy".to_owned(),
        principal: "arn:aws:iam::123456789012:user/mallory".to_owned(),
        source: Some("203.0.113.9".to_owned()),
        target,
    }
}

/// Somebody changed the permissions of the role of an identity.
fn changed(identity: &str, event: &str) -> Record {
    let installation = InstallationId::parse("bed").unwrap();
    let name = PrincipalName::role(&installation, &IdentityKey::new("shop", identity)).to_string();
    Record::Role { name, change: change(event, Target::Permissions) }
}

impl Stage {
    /// One round; what was counted in it.
    async fn round(&mut self, heard: &mut Heard) -> Vec<&'static str> {
        self.listening.round(ACCOUNT, &self.queue, heard).await.unwrap().unwrap();
        self.counted()
    }

    /// All that was counted so far, each result as often as it was.
    fn counted(&self) -> Vec<&'static str> {
        let text = self.listening.metrics.text(true).unwrap();
        let of = |result: &str| {
            let begins = format!("ambit_events_total{{account=\"{ACCOUNT}\",result=\"{result}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&begins)).map_or(0, |number| number.parse().unwrap())
        };
        crate::telemetry::metrics::EVENT_RESULTS
            .into_iter()
            .flat_map(|result| std::iter::repeat_n(result, of(result)))
            .collect()
    }

    fn woken(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.woken.try_recv().ok()).map(|woken| woken.name).collect()
    }

    fn woken_accounts(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.woken_accounts.try_recv().ok()).map(|woken| woken.name).collect()
    }

    fn remembered(&self, identity: &str) -> (bool, Vec<String>) {
        let remembered = self.listening.context.memory.recall(&format!("uid-of-{identity}"));
        (remembered.is_suspected(), remembered.change_events.into_iter().map(|change| change.event).collect())
    }
}

#[tokio::test]
async fn what_was_done_to_a_role_is_remembered_wakes_its_identity_and_is_deleted() {
    let mut stage = stage();
    stage.queue.send(changed("orders", "e-1"));
    assert_eq!(stage.round(&mut Heard::default()).await, ["woken"]);
    assert_eq!(stage.woken(), ["orders"]);
    assert_eq!(stage.remembered("orders"), (true, vec!["e-1".to_owned()]));
    assert_eq!(stage.remembered("mailer"), (false, vec![]));
    assert_eq!(stage.queue.counts(), (0, 0, 1));
    assert_eq!(stage.woken_accounts(), Vec::<String>::new());
}

#[tokio::test]
async fn what_concerns_nobody_wakes_nobody_and_is_deleted() {
    let mut stage = stage();
    let elsewhere = Record::Role { name: "somebody-elses".to_owned(), change: change("e-1", Target::Trust) };
    for record in [
        Record::Ours,
        Record::Foreign,
        elsewhere,
        changed("other", "e-2"),
        changed("unheard-of", "e-3"),
        Record::Malformed("it is not JSON".to_owned()),
    ] {
        stage.queue.send(record);
    }
    let counted = stage.round(&mut Heard::default()).await;
    assert_eq!(counted, ["ours", "foreign", "foreign", "foreign", "foreign", "malformed"]);
    assert_eq!((stage.woken(), stage.woken_accounts()), (vec![], vec![]));
    assert_eq!(stage.queue.counts(), (0, 0, 6));
}

/// Other installations in the account have roles that differ in the last part of the name only.
#[tokio::test]
async fn a_role_of_nearly_the_same_name_hides_nobody() {
    let mut stage = stage();
    let alike = |hash: &str| {
        let Record::Role { name, change } = changed("orders", hash) else { panic!() };
        let stem = name.rsplit_once('-').unwrap().0;
        Record::Role { name: format!("{stem}-{hash}"), change }
    };
    stage.queue.send(alike("aaaaaaaaaa"));
    stage.queue.send(changed("orders", "e-1"));
    stage.queue.send(alike("zzzzzzzzzz"));
    let mut counted = stage.round(&mut Heard::default()).await;
    counted.sort_unstable();
    assert_eq!(counted, ["foreign", "foreign", "woken"]);
    assert_eq!(stage.remembered("orders"), (true, vec!["e-1".to_owned()]));
}

#[tokio::test]
async fn a_name_counts_in_whatever_case() {
    let mut stage = stage();
    let Record::Role { name, change } = changed("orders", "e-1") else { panic!() };
    stage.queue.send(Record::Role { name: name.to_uppercase(), change });
    assert_eq!(stage.round(&mut Heard::default()).await, ["woken"]);
}

#[tokio::test]
async fn an_event_that_comes_again_wakes_once() {
    let mut stage = stage();
    let heard = &mut Heard::default();
    for _ in 0..3 {
        stage.queue.send(changed("orders", "e-1"));
    }
    assert_eq!(stage.round(heard).await, ["woken", "duplicate", "duplicate"]);
    stage.queue.send(changed("orders", "e-1"));
    assert_eq!(stage.round(heard).await, ["woken", "duplicate", "duplicate", "duplicate"]);
    assert_eq!(stage.woken(), ["orders"]);
    assert_eq!(stage.queue.counts(), (0, 0, 4));
    // Another process has not heard of it: it looks, and remembers it once.
    stage.queue.send(changed("orders", "e-1"));
    stage.round(&mut Heard::default()).await;
    assert_eq!(stage.woken(), ["orders"]);
    assert_eq!(stage.remembered("orders").1, ["e-1"]);
}

#[tokio::test]
async fn what_all_rely_on_wakes_the_account() {
    let mut stage = stage();
    stage.queue.send(Record::Account(change("e-1", Target::BoundaryPolicy)));
    stage.queue.send(Record::Account(change("e-1", Target::BoundaryPolicy)));
    assert_eq!(stage.round(&mut Heard::default()).await, ["account", "duplicate"]);
    assert_eq!((stage.woken(), stage.woken_accounts()), (vec![], vec![ACCOUNT.to_owned()]));
}

#[tokio::test]
async fn what_was_looked_at_since_is_late_unless_a_difference_is_told() {
    let mut stage = stage();
    let looked = |seconds: i64| Some(Timestamp::from_second(now().as_second() + seconds).unwrap());
    let note = |stage: &Stage, seconds| {
        stage.listening.context.memory.note("uid-of-orders", |memory| memory.looked_at = looked(seconds));
    };
    note(&stage, 15);
    stage.queue.send(changed("orders", "e-1"));
    assert_eq!(stage.round(&mut Heard::default()).await, ["woken"], "the look may have come too early to see it");
    note(&stage, 16);
    stage.queue.send(changed("orders", "e-2"));
    assert_eq!(stage.round(&mut Heard::default()).await, ["woken", "late"]);
    assert_eq!((stage.woken(), stage.queue.counts()), (vec!["orders".to_owned()], (0, 0, 2)));
    let status = json!({"drift": {"class": "Changed", "since": "2026-11-22T11:00:00Z"}});
    stage.listening.context.memory.note("uid-of-orders", |memory| memory.status = Some(read(status)));
    stage.queue.send(changed("orders", "e-3"));
    assert_eq!(stage.round(&mut Heard::default()).await, ["woken", "woken", "late"]);
}

#[tokio::test]
async fn nothing_is_deleted_before_it_is_woken() {
    let mut stage = stage();
    stage.woken.close();
    stage.queue.send(changed("orders", "e-1"));
    let heard = &mut Heard::default();
    assert_eq!(stage.listening.round(ACCOUNT, &stage.queue, heard).await, Ok(Err(Stopping)));
    assert_eq!(stage.queue.counts(), (0, 1, 0), "it comes again, to whoever leads next");
    assert!(!heard.knows("e-1"));
}

#[tokio::test]
async fn one_that_is_given_up_while_it_waits_deletes_nothing() {
    let mut stage = stage();
    // A sender has one place of its own beside those that all share: those are taken.
    let mut others = stage.listening.wake.clone();
    while others.try_send(ObjectRef::new("somebody")).is_ok() {}
    stage.queue.send(changed("orders", "e-1"));
    let (listening, queue) = (Arc::clone(&stage.listening), stage.queue.clone());
    let waiting = async move { listening.round(ACCOUNT, &queue, &mut Heard::default()).await };
    assert!(futures::poll!(std::pin::pin!(waiting)).is_pending(), "nobody takes what is woken");
    assert_eq!(stage.queue.counts(), (0, 1, 0));
    stage.woken();
    stage.queue.deliver_again();
    assert_eq!(stage.round(&mut Heard::default()).await, ["woken"]);
}

#[tokio::test]
async fn a_deletion_that_fails_makes_a_duplicate_and_no_more() {
    let mut stage = stage();
    let faulty = FaultyQueue::new(stage.queue.clone(), FaultPlan::at(1, Fault::ErrorBefore(ErrorKind::Transient)));
    let heard = &mut Heard::default();
    stage.queue.send(changed("orders", "e-1"));
    let error = stage.listening.round(ACCOUNT, &faulty, heard).await.unwrap_err();
    assert_eq!(error.operation, "delete");
    stage.queue.deliver_again();
    stage.listening.round(ACCOUNT, &faulty, heard).await.unwrap().unwrap();
    assert_eq!(stage.counted(), ["woken", "duplicate"]);
    assert_eq!((stage.woken(), stage.queue.counts()), (vec!["orders".to_owned()], (0, 0, 1)));
}

#[tokio::test]
async fn the_account_says_once_that_its_queue_is_gone_and_once_that_it_is_back() {
    let mut stage = stage();
    let accounts = Arc::clone(&stage.listening.context.accounts);
    stage.queue.vanish();
    for failures in 1..4 {
        let error = stage.listening.round(ACCOUNT, &stage.queue, &mut Heard::default()).await.unwrap_err();
        stage.listening.failed(ACCOUNT, &error, failures).await;
    }
    assert_eq!(stage.woken_accounts(), [ACCOUNT]);
    assert_eq!(accounts.events_failure(ACCOUNT).map(|error| error.kind), Some(ErrorKind::NotFound));
    stage.queue.come_back();
    for _ in 0..2 {
        stage.round(&mut Heard::default()).await;
    }
    assert_eq!((stage.woken_accounts(), accounts.events_failure(ACCOUNT)), (vec![ACCOUNT.to_owned()], None));
}

#[tokio::test]
async fn what_passes_by_itself_is_told_at_the_third_time() {
    let mut stage = stage();
    for (failures, told) in [(1, 0), (2, 0), (3, 1), (4, 0)] {
        stage
            .listening
            .failed(ACCOUNT, &CloudError::injected("sqs:ReceiveMessage", ErrorKind::Transient), failures)
            .await;
        assert_eq!(stage.woken_accounts().len(), told, "after {failures}");
    }
}

#[tokio::test]
async fn nothing_is_received_before_all_identities_are_known() {
    let mut stage = stage();
    stage.listening.caches.claims.begin();
    stage.queue.send(changed("orders", "e-1"));
    let task = tokio::spawn(attend(Arc::clone(&stage.listening), ACCOUNT.to_owned(), Arc::new(stage.queue.clone())));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.queue.counts(), (1, 0, 0));
    stage.listening.caches.claims.complete();
    assert_eq!(stage.woken.next().await.unwrap().name, "orders");
    task.abort();
}

fn account(queue: Option<&MemoryQueue>, interval: &str) -> Account {
    let installation = InstallationId::parse("bed").unwrap();
    let spec = json!({
        "aws": {
            "accountId": "123456789012", "region": "eu-west-1",
            "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/b",
            "federation": {"webIdentity": {"issuer": "https://oidc.example.com/id"}},
        },
        "sweepInterval": interval,
    });
    let settings = AccountSettings::parse(&read(spec), &installation).unwrap();
    let cloud = MemoryCloud::new(settings.account.clone(), settings.path.clone(), installation);
    let cloud: Arc<dyn Cloud> = match queue {
        Some(queue) => Arc::new(cloud.telling_in(queue.clone())),
        None => Arc::new(cloud),
    };
    Account { generation: None, settings, cloud, trouble: None }
}

/// Waits until something holds. Bounded by what the test may take.
async fn until(holds: impl Fn() -> bool) {
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(std::time::Instant::now() < limit, "it did not come true");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

mod listening;
