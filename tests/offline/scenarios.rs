//! Scenarios from real incidents, as the examples tell them.

use crate::folder::here;

fn golden(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/offline").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A service account of tooling that is to get the customers' database: refused in the commit, in
/// one sentence with identity, resource and rule.
#[test]
fn a_tool_does_not_get_the_production_database() {
    let folder = "examples/offline/config-tool";
    let (today, proposed) = (format!("{folder}/today"), format!("{folder}/proposed"));
    let ended = here(&["test", &today, &proposed]);
    assert_eq!(ended, (Some(0), golden("config-tool/test.golden"), String::new()));
    let with = format!("{folder}/platform.yaml");
    let (code, out, err) = here(&["render", "-f", &proposed, "--with", &with, "--installation", "prod-eu"]);
    assert_eq!((code, &*err), (Some(0), &*golden("config-tool/refusal.golden")));
    assert!(out.contains("customers-db"), "{out}");
    let (code, _, err) = here(&["render", "-f", &today, "--with", &with, "--installation", "prod-eu"]);
    assert_eq!((code, &*err), (Some(0), ""));
}

/// A trust that does not say whose token it takes: an identity cannot say it, and by hand it is found.
#[test]
fn a_trust_without_a_subject_is_refused() {
    let (code, out, err) = here(&["render", "-f", "examples/offline/trust/identity.yaml", "--installation", "prod-eu"]);
    assert_eq!((code, &*out, &*err), (Some(2), "", &*golden("trust/identity.golden")));
    let ended = here(&["policy", "check", "examples/offline/trust/hand-written.json"]);
    assert_eq!(ended, (Some(1), golden("trust/hand-written.golden"), String::new()));
    let (code, _, _) = here(&["policy", "check", "examples/offline/trust/pinned.json"]);
    assert_eq!(code, Some(0));
}

/// An agent that is somebody else is refused, though a policy allows everything.
#[test]
fn an_agent_is_nobody_else() {
    let ended = here(&["test", "examples/offline/agent", "--installation", "prod-eu"]);
    assert_eq!(ended, (Some(0), golden("agent/test.golden"), String::new()));
    let (code, _, err) = here(&["render", "-f", "examples/offline/agent", "--installation", "prod-eu"]);
    assert_eq!((code, &*err), (Some(0), &*golden("agent/refusals.golden")));
}
