//! Which room of `src/` may use which, and what pure rooms do without.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{self, File, none};

/// The whole truth: a room uses exactly these others. ARCHITECTURE.md draws it.
const USES: [(&str, &[&str]); 13] = [
    ("names", &[]),
    ("policy", &["names"]),
    ("domain", &["names", "policy"]),
    ("api", &[]),
    ("plan", &["api", "domain", "names", "policy"]),
    ("offline", &["api", "names", "plan", "policy"]),
    ("cloud", &["domain", "names", "policy"]),
    ("cluster", &["api", "domain", "names"]),
    ("telemetry", &["cloud"]),
    ("controller", &["api", "cloud", "cluster", "domain", "names", "plan", "policy", "telemetry"]),
    ("config", &["names"]),
    ("cli", &["api", "cloud", "config", "controller", "domain", "names", "offline", "plan", "policy", "telemetry"]),
    ("main", &["cli"]),
];

/// Rooms whose answers depend on their arguments alone.
const PURE: [&str; 5] = ["names", "policy", "domain", "plan", "offline"];

/// What a pure room does without, and why.
const IMPURE: [(&str, &str); 8] = [
    ("tokio", "it would wait"),
    ("std::env", "the environment is read once, in `config`"),
    ("env::var", "the environment is read once, in `config`"),
    ("SystemTime", "time is an argument"),
    ("Instant::", "time is an argument"),
    ("now()", "time is an argument"),
    ("kube::Client", "it would talk to the API server"),
    ("aws_sdk", "it would talk to the cloud"),
];

fn room(file: &File) -> &str {
    let inside = file.path.strip_prefix("src/").unwrap_or_default();
    inside.split(['/', '.']).next().unwrap_or_default()
}

/// How many `super::` lead from the file's own module to the root of the crate.
fn depth(file: &File) -> usize {
    let parts = file.path.split('/').count() - 1;
    if file.path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first words of a path, or of each path in a group `{a::b, c}`.
fn first_words(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let mut words = Vec::new();
    let mut level = 0_i32;
    let mut begin = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => begin = true,
            c if c.is_whitespace() => {}
            _ if begin => {
                words.push(word(&group[at..]));
                begin = false;
            }
            _ => {}
        }
    }
    words
}

/// Every room that a file names, by a path from the crate's root or by climbing there.
fn named(file: &File) -> BTreeSet<String> {
    let code: String = file.code().flat_map(|(_, line)| [line, "\n"]).collect();
    let climb = "super::".repeat(depth(file));
    let mut found = BTreeSet::new();
    for start in ["crate::", "ambit::", climb.as_str()] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != ':') {
                found.extend(first_words(&code[at + start.len()..]).into_iter().map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn rooms_use_each_other_as_the_table_says_and_no_otherwise() {
    let rooms: BTreeSet<&str> = USES.iter().map(|(room, _)| *room).collect();
    let mut uses: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let sources = files::below(&["src"]);
    for file in sources.iter().filter(|file| file.is("rs") && file.path != "src/lib.rs") {
        let own = room(file);
        assert!(rooms.contains(own), "`{}` is in no room that the table knows", file.path);
        let others = named(file).into_iter().filter(|name| name != own && rooms.contains(name.as_str()));
        uses.entry(own).or_default().extend(others);
    }
    for (room, allowed) in USES {
        let allowed: BTreeSet<String> = allowed.iter().map(|&name| name.to_owned()).collect();
        let found = uses.remove(room).unwrap_or_default();
        let forbidden: Vec<&String> = found.difference(&allowed).collect();
        assert!(
            forbidden.is_empty(),
            "`{room}` must not use {forbidden:?}: move what it needs to a room below both, or hand it in as a value"
        );
        let unused: Vec<&String> = allowed.difference(&found).collect();
        assert!(
            unused.is_empty(),
            "`{room}` no longer uses {unused:?}: take it out of the table and of ARCHITECTURE.md, so that it stays so"
        );
    }
}

#[test]
fn telemetry_knows_of_the_clouds_only_the_hook_on_calls() {
    let found: Vec<String> = files::below(&["src/telemetry"])
        .iter()
        .flat_map(|file| file.code().map(|(at, line)| format!("{}:{at}: {line}", file.path)).collect::<Vec<_>>())
        .filter(|line| line.contains("crate::cloud") && !line.ends_with("use crate::cloud::CallObserver;"))
        .collect();
    none(&found, "metrics watch calls through `CallObserver` and know nothing else of a cloud");
}

#[test]
fn pure_rooms_have_no_client_no_clock_and_no_environment() {
    let folders = PURE.map(|room| format!("src/{room}"));
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for file in files::below(&folders).iter().filter(|file| file.is("rs")) {
        for (at, line) in file.code() {
            for (word, why) in IMPURE.iter().filter(|(word, _)| line.contains(word)) {
                found.push(format!("{}:{at}: `{word}`: {why}", file.path));
            }
        }
    }
    none(&found, "what stands between observing and applying depends on its arguments alone");
}

#[test]
fn the_parts_of_the_policy_engine_judge_each_other_and_so_share_no_judgement() {
    // A folder, the one file of it that may, and what none else may name.
    let apart: [(&str, &str, &[&str]); 3] = [
        ("src/policy/evaluate/", "", &["compare", "catalogue", "explain", "check"]),
        ("src/policy/compare/", "src/policy/compare/sides.rs", &["evaluate"]),
        ("src/policy/check/", "", &["compare", "evaluate"]),
    ];
    let mut found = Vec::new();
    for (folder, allowed, strangers) in apart {
        let is_ours = |file: &&File| file.is("rs") && !file.path.contains("tests") && file.path != allowed;
        for file in files::below(&[folder]).iter().filter(is_ours) {
            for (at, line) in file.code().filter(|(_, line)| line.trim_start().starts_with("use ")) {
                let named = strangers
                    .iter()
                    .filter(|name| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == **name));
                found.extend(named.map(|name| format!("{}:{at}: names `{name}`", file.path)));
            }
        }
    }
    none(&found, "evaluator and comparison are written apart, so that each can check the other");
}

#[test]
fn a_cloud_knows_no_cluster_and_only_its_own_folder_knows_its_sdk() {
    let mut found = Vec::new();
    for file in files::below(&["src"]).iter().filter(|file| file.is("rs")) {
        for (at, line) in file.code() {
            let sdk = ["aws_sdk_", "aws_config", "aws_credential_types"].iter().any(|name| line.contains(name));
            if sdk && !file.path.starts_with("src/cloud/aws/") {
                found.push(format!("{}:{at}: the SDK of AWS outside `src/cloud/aws`", file.path));
            }
            let kube = ["kube::", "k8s_openapi"].iter().any(|name| line.contains(name));
            if kube && ["cloud", "domain", "names", "policy"].contains(&room(file)) {
                found.push(format!("{}:{at}: Kubernetes in the room `{}`", file.path, room(file)));
            }
        }
    }
    none(&found, "each outer world is known in one place");
}

#[test]
fn the_reader_of_paths_reads_groups_and_climbs() {
    assert_eq!(first_words("plan::Reason;"), ["plan"]);
    assert_eq!(first_words("{cloud::{a, b::{c}}, names, plan::x};"), ["cloud", "names", "plan"]);
    let file = File { path: "src/policy/read.rs".into(), text: "use super::super::api::X;\n// crate::cli\n".into() };
    assert_eq!(named(&file), BTreeSet::from(["api".to_owned()]));
    let file = File { path: "src/policy/mod.rs".into(), text: "use super::plan;".into() };
    assert_eq!(named(&file), BTreeSet::from(["plan".to_owned()]));
}
