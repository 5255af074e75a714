//! Parity: each manifest of `tests/parity` is judged alike by `ambit validate`
//! and by a real API server with the operator behind it.
//!
//! `accepted` holds what both take. `api` holds what the API server refuses;
//! the first line names the fields. `operator` holds what the API server takes
//! and the operator refuses; the first line names the reason. `cluster.yaml` is
//! what the cluster has beside them.

mod cluster;
mod offline;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ambit_bed::{Bed, BedOptions};

/// The fewest manifests that show something.
const FEWEST: usize = 60;

/// Stands for the part of a field that the API server does not tell.
const ELSEWHERE: &str = "…";

/// What became of a manifest.
#[derive(Debug, Clone)]
enum Verdict {
    Accepted,
    /// Refused as an object, for these fields, in order. The whole object is the empty field.
    Api(Vec<String>),
    /// Refused as an identity.
    Operator {
        reason: String,
        message: String,
    },
}

impl Verdict {
    /// Whether the same is said without a cluster.
    fn agrees(&self, here: &Self) -> bool {
        match (self, here) {
            (Self::Accepted, Self::Accepted) => true,
            (Self::Api(there), Self::Api(here)) => same(there, here),
            (Self::Operator { reason, message }, Self::Operator { reason: other, message: sentence }) => {
                reason == other && message == sentence
            }
            _ => false,
        }
    }
}

/// Whether fields are the same, as far as the cluster tells them.
fn same<A: AsRef<str>, B: AsRef<str>>(there: &[A], here: &[B]) -> bool {
    let told = |there: &str, here: &str| match (there.strip_prefix(ELSEWHERE), there.strip_suffix(ELSEWHERE)) {
        (Some(key), _) => here.rsplit('.').next() == Some(key),
        (_, Some(begin)) => here == begin || here.starts_with(&format!("{begin}.")),
        // The one rule of a whole object is about its name, and offline it stands there.
        _ => there == here || (there.is_empty() && here == "metadata.name"),
    };
    there.len() == here.len() && there.iter().zip(here).all(|(there, here)| told(there.as_ref(), here.as_ref()))
}

/// A manifest of the corpus.
struct Manifest {
    /// Such as `api/enum`.
    name: String,
    path: PathBuf,
    text: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

/// What the cluster has beside the manifests.
fn beside() -> PathBuf {
    folder().join("cluster.yaml")
}

fn corpus() -> Vec<Manifest> {
    let mut corpus = Vec::new();
    for part in ["accepted", "api", "operator"] {
        for entry in std::fs::read_dir(folder().join(part)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{part}/{}", path.file_stem().unwrap().to_str().unwrap());
            let text = std::fs::read_to_string(&path).unwrap();
            corpus.push(Manifest { name, path, text });
        }
    }
    corpus.sort_by(|one, other| one.name.cmp(&other.name));
    corpus
}

impl Manifest {
    /// What its folder and its first line say.
    fn expected(&self) -> Expected<'_> {
        let first = self.text.lines().next().and_then(|line| line.strip_prefix('#')).unwrap_or_default().trim();
        match self.name.split_once('/').map(|(part, _)| part) {
            Some("api") => Expected::Api(first.split(", ").collect()),
            Some("operator") => Expected::Operator(first),
            _ => Expected::Accepted,
        }
    }
}

/// What a manifest says of itself.
#[derive(Debug)]
enum Expected<'a> {
    Accepted,
    Api(Vec<&'a str>),
    Operator(&'a str),
}

impl Expected<'_> {
    fn is(&self, verdict: &Verdict) -> bool {
        match (self, verdict) {
            (Self::Accepted, Verdict::Accepted) => true,
            (Self::Api(expected), Verdict::Api(fields)) => same(fields, expected),
            (Self::Operator(expected), Verdict::Operator { reason, .. }) => expected == reason,
            _ => false,
        }
    }
}

#[tokio::test]
async fn every_manifest_is_judged_alike_offline_and_by_the_cluster() {
    let corpus = corpus();
    assert!(corpus.len() >= FEWEST, "{} manifests", corpus.len());
    let bed = Bed::start(BedOptions::default()).await.unwrap();
    let cluster = cluster::verdicts(&bed, &corpus).await;
    bed.check_cloud().unwrap();
    let mut differences = Vec::new();
    for manifest in &corpus {
        let (name, expected, there) = (&manifest.name, manifest.expected(), &cluster[&manifest.name]);
        if !expected.is(there) {
            differences.push(format!("{name}: it says {expected:?}\n  cluster: {there:?}"));
        }
        let here = offline::verdict(manifest, there);
        if !here.as_ref().is_ok_and(|here| there.agrees(here)) {
            differences.push(format!("{name}:\n  cluster: {there:?}\n  offline: {here:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// Whatever is refused is refused for a reason of its own: no manifest stands for another.
#[test]
fn every_reason_of_a_refusal_is_in_the_corpus() {
    let corpus = corpus();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for manifest in &corpus {
        if let Expected::Operator(reason) = manifest.expected() {
            *seen.entry(reason).or_default() += 1;
        }
    }
    let expected = [
        "AccountNotFound",
        "InvalidScope",
        "NamespaceNotSelected",
        "NoScopePolicy",
        "ScopeDenied",
        "SubjectTaken",
        "TooLarge",
        "UnknownAction",
    ];
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), expected);
}

#[test]
fn fields_are_compared_as_far_as_the_cluster_tells_them() {
    for (there, here, alike) in [
        ("spec.a", "spec.a", true),
        ("spec.a", "spec.a.b", false),
        ("…b", "spec.a.b", true),
        ("…b", "spec.a.bb", false),
        ("metadata.labels…", "metadata.labels.team", true),
        ("metadata.labels…", "metadata.annotations.team", false),
        ("", "metadata.name", true),
        ("", "spec.a", false),
    ] {
        assert_eq!(same(&[there], &[here]), alike, "{there} {here}");
    }
    assert!(!same(&["spec.a"], &["spec.a", "spec.b"]));
}
