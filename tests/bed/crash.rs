//! Every call to the cloud that makes or deletes an identity fails in turn:
//! refused, lost, or the process dies there. Afterwards everything is as declared.

use std::collections::{BTreeMap, BTreeSet};

use ambit_bed::{Bed, BedOptions, Fault, FaultKind, Part};
use serde_json::{Value, json};

use crate::eyes::own_tenant;
use crate::house::{Talk, identity, until};
use crate::root::{Live, Root, role_name};

const NAMESPACE: &str = "crash";

/// The nth call of an action.
type Point = (String, u64);

struct Scene {
    bed: Bed,
    talk: Talk,
    root: Root,
    planted: Vec<Live>,
    /// Identities that are declared now.
    declared: BTreeSet<String>,
    next: u32,
    /// How many refusals the operator's log told of when a right was withdrawn.
    refusals: usize,
}

#[tokio::test]
async fn whatever_call_fails_the_declared_state_is_reached_and_nothing_is_left_over() {
    let mut scene = Scene::start().await;
    let (creation, deletion) = scene.points().await;
    assert!(creation.len() >= 5 && deletion.len() >= 8, "{creation:?} {deletion:?}");
    for kind in [FaultKind::Refuse, FaultKind::RefuseAfter, FaultKind::Drop, FaultKind::DropAfter] {
        scene.all_at_once(kind, &creation, &deletion).await;
    }
    scene.killed(&creation, &deletion).await;
    scene.bed.finish().unwrap();
}

/// The requests of a creation, and those of a deletion, by what RBAC calls them
/// and by what the audit log calls them.
const CREATION: [(&str, &str, &str); 6] = [
    ("machineidentities/status", "patch", "patch machineidentities/status"),
    ("machineidentities", "patch", "patch machineidentities"),
    ("serviceaccounts", "create", "create serviceaccounts"),
    ("bindingtables", "update", "update bindingtables"),
    ("serviceaccounts/token", "create", "create serviceaccounts/token"),
    ("pods", "list", "patch machineidentities/status"),
];
const DELETION: [(&str, &str, &str); 3] = [
    ("bindingtables", "update", "update bindingtables"),
    ("machineidentities/status", "patch", "patch machineidentities/status"),
    ("machineidentities", "patch", "patch machineidentities"),
];

#[tokio::test]
async fn whatever_request_to_the_api_server_fails_the_declared_state_is_reached() {
    let mut scene = Scene::start().await;
    scene.created(1).await;
    for (resource, verb, audited) in CREATION {
        let rules = scene.withdraw(resource, verb).await;
        let name = scene.create().await;
        scene.refused().await;
        scene.restore(&rules).await;
        scene.talk.ready(&name).await;
        let mark = scene.bed.audit_mark().unwrap();
        let name = scene.create().await;
        scene.die_after(mark, audited).await;
        scene.talk.ready(&name).await;
    }
    for (resource, verb, audited) in DELETION {
        let names = scene.created(2).await;
        let rules = scene.withdraw(resource, verb).await;
        scene.delete(&names[0]).await;
        scene.refused().await;
        scene.restore(&rules).await;
        scene.talk.gone("MachineIdentity", &names[0]).await;
        let mark = scene.bed.audit_mark().unwrap();
        scene.delete(&names[1]).await;
        scene.die_after(mark, audited).await;
        scene.talk.gone("MachineIdentity", &names[1]).await;
    }
    scene.as_declared().await;
    scene.bed.finish().unwrap();
}

impl Scene {
    /// A quiet bed: nothing but the deeds themselves calls the cloud.
    async fn start() -> Self {
        let quiet = || "10m".to_owned();
        let options = BedOptions { sweep_interval: quiet(), resync_interval: quiet(), ..BedOptions::default() };
        let bed = Bed::start(options).await.unwrap();
        let (talk, root) = (own_tenant(&bed, NAMESPACE).await, Root::of(&bed));
        let planted = vec![
            root.plant("by-hand", "/ambit/bed/", &[]).await,
            root.plant("neighbour", "/ambit/bed/", &[("ambit.dev/installation", "other")]).await,
            root.plant("elsewhere", "/", &[("ambit.dev/installation", "bed")]).await,
        ];
        Self { bed, talk, root, planted, declared: BTreeSet::new(), next: 0, refusals: 0 }
    }

    /// Takes one right from the operator, so that the API server refuses that
    /// request. Returns the rules as they were.
    async fn withdraw(&mut self, resource: &str, verb: &str) -> Value {
        let role = self.bed.kubectl(&["get", "clusterrole", "ambit-operator", "-o", "json"]).await.unwrap();
        let before = serde_json::from_str::<Value>(&role).unwrap()["rules"].clone();
        let mut rules = before.clone();
        for rule in rules.as_array_mut().unwrap() {
            if rule["resources"].as_array().unwrap().contains(&json!(resource)) {
                rule["verbs"].as_array_mut().unwrap().retain(|found| found != verb);
            }
        }
        // A rule without verbs is none.
        rules.as_array_mut().unwrap().retain(|rule| rule["verbs"] != json!([]));
        assert_ne!(rules, before, "{verb} {resource} is no right of the operator");
        self.restore(&rules).await;
        self.refusals = self.told_refusals();
        before
    }

    async fn restore(&self, rules: &Value) {
        let patch = json!({ "rules": rules }).to_string();
        self.bed.kubectl(&["patch", "clusterrole", "ambit-operator", "--type=merge", "-p", &patch]).await.unwrap();
    }

    /// How many refusals the operator's log tells of.
    fn told_refusals(&self) -> usize {
        self.bed.logs(Part::Operator).unwrap().matches("\"error.type\":\"Denied\"").count()
    }

    /// Waits until the operator met a refusal since the right was withdrawn.
    async fn refused(&self) {
        let seen = self.refusals;
        until("a refused request", async || {
            let found = self.told_refusals();
            if found > seen { Ok(()) } else { Err(format!("{found} refusals")) }
        })
        .await;
    }

    /// Kills the process when the API server has carried out a write, and starts another.
    async fn die_after(&self, mark: u64, audited: &str) {
        until(audited, async || {
            let writes = self.bed.api_writes(mark).unwrap();
            if writes.contains_key(audited) { Ok(()) } else { Err(format!("{writes:?}")) }
        })
        .await;
        self.bed.kill_part(Part::Operator).unwrap();
        self.bed.start_part(Part::Operator).await.unwrap();
    }

    async fn create(&mut self) -> String {
        self.next += 1;
        let name = format!("id-{}", self.next);
        self.talk.apply(&identity(&name, &name)).await.unwrap();
        self.declared.insert(name.clone());
        name
    }

    async fn created(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.create().await);
        }
        for name in &names {
            self.talk.ready(name).await;
        }
        names
    }

    async fn delete(&mut self, name: &str) {
        self.talk.delete("MachineIdentity", name).await;
        self.declared.remove(name);
    }

    /// The calls of one creation and of one deletion, in the operator's name or unsigned.
    async fn points(&mut self) -> (Vec<Point>, Vec<Point>) {
        self.created(1).await;
        self.bed.reset_counts().await.unwrap();
        let name = self.created(1).await.remove(0);
        let creation = points(&self.bed.reset_counts().await.unwrap().calls);
        self.delete(&name).await;
        self.talk.gone("MachineIdentity", &name).await;
        (creation, points(&self.bed.reset_counts().await.unwrap().calls))
    }

    /// Every call of many deeds fails at the same time.
    async fn all_at_once(&mut self, kind: FaultKind, creation: &[Point], deletion: &[Point]) {
        let many = 3;
        self.fail(kind, creation, many).await;
        self.created(many).await;
        self.all_met(creation).await;
        self.as_declared().await;

        let names: Vec<String> = self.declared.iter().take(many).cloned().collect();
        self.fail(kind, deletion, many).await;
        for name in &names {
            self.delete(name).await;
        }
        for name in &names {
            self.talk.gone("MachineIdentity", name).await;
        }
        self.all_met(deletion).await;
        self.as_declared().await;
    }

    async fn fail(&self, kind: FaultKind, points: &[Point], many: usize) {
        self.bed.reset_counts().await.unwrap();
        for (action, nth) in points {
            // With many deeds at once, the second call of one comes after the first of all.
            let nth = (nth - 1) * many as u64 + 1;
            self.bed.set_fault(&Fault::nth(action, nth, kind)).await.unwrap();
        }
    }

    async fn all_met(&self, points: &[Point]) {
        let left = self.bed.faults().await.unwrap();
        assert!(left.is_empty(), "calls that never came: {left:?}");
        assert_eq!(self.bed.counts().await.unwrap().faults, points.len() as u64);
    }

    /// The process dies at each call in turn, when the call has taken effect.
    async fn killed(&mut self, creation: &[Point], deletion: &[Point]) {
        for point in creation {
            self.hold(point).await;
            let name = self.create().await;
            self.die(point).await;
            self.talk.ready(&name).await;
        }
        let names = self.created(deletion.len()).await;
        for (point, name) in deletion.iter().zip(names) {
            self.hold(point).await;
            self.delete(&name).await;
            self.die(point).await;
            self.talk.gone("MachineIdentity", &name).await;
        }
        self.as_declared().await;
    }

    async fn hold(&self, (action, nth): &Point) {
        self.bed.reset_counts().await.unwrap();
        self.bed.set_fault(&Fault::nth(action, *nth, FaultKind::HoldAfter)).await.unwrap();
    }

    /// Waits until the call hangs, kills the process, and starts another.
    async fn die(&self, point: &Point) {
        until(&format!("{point:?}"), async || {
            let counts = self.bed.counts().await.unwrap();
            if counts.faults == 1 { Ok(()) } else { Err(format!("{counts:?}")) }
        })
        .await;
        self.bed.kill_part(Part::Operator).unwrap();
        self.bed.start_part(Part::Operator).await.unwrap();
    }

    /// Each declared identity has its role whole, nobody else has one, and what was there stays.
    async fn as_declared(&self) {
        let roles: BTreeMap<String, &String> =
            self.declared.iter().map(|name| (role_name(NAMESPACE, name), name)).collect();
        let mut found = self.root.names_on("/ambit/bed/").await;
        assert!(found.remove("by-hand") && found.remove("neighbour"));
        assert_eq!(found, roles.keys().cloned().collect());
        for (role, name) in roles {
            let object = self.talk.ready(name).await;
            let live = self.root.role(&role).await.unwrap();
            assert_eq!(object["status"]["aws"]["roleId"], live.id, "{name}");
            assert_eq!(live.tags["ambit.dev/uid"], object["metadata"]["uid"].as_str().unwrap());
            assert_eq!(live.inline.keys().collect::<Vec<_>>(), ["ambit"], "{name}");
            assert_eq!(live.boundary, Some(ambit_bed::boundary_arn()));
            assert!(live.attached.is_empty());
            assert_eq!(self.talk.entry(name).await["ready"], true);
        }
        for before in &self.planted {
            let name = before.arn.rsplit('/').next().unwrap();
            assert_eq!(self.root.role(name).await.as_ref(), Some(before));
        }
        let table = self.talk.kind("ambit.dev/v1alpha1", "BindingTable").get("ambit").await.unwrap();
        let entries: BTreeMap<String, Value> = serde_json::from_value(json!(table)["serviceAccounts"].clone()).unwrap();
        assert_eq!(entries.keys().cloned().collect::<BTreeSet<_>>(), self.declared);
    }
}

fn points(calls: &BTreeMap<String, u64>) -> Vec<Point> {
    calls.iter().flat_map(|(action, count)| (1..=*count).map(|nth| (action.clone(), nth))).collect()
}
