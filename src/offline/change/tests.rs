use super::*;
use crate::offline::manifest;

const ACCOUNT: &str = r#"
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
"#;

/// Whatever is of S3 and SQS may be asked for.
const POLICY: &str = r#"
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: tenants}
spec:
  namespaceSelector: {}
  allow: [{name: data, actions: ["s3:*", "sqs:*"], resources: ["*"]}]
  maxSessionDuration: 12h
---
"#;

/// An identity of the namespace `shop`, with more of its spec.
fn identity(name: &str, service_account: &str, more: &str) -> String {
    format!(
        "apiVersion: ambit.dev/v1alpha1\nkind: MachineIdentity\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  \
         accountRef: {{name: prod}}\n  subject: {{serviceAccount: {{name: {service_account}}}}}\n{more}---\n"
    )
}

/// One scope named `inbox` on objects of `orders-in`.
fn scope(actions: &str) -> String {
    format!("  scopes: [{{name: inbox, actions: [{actions}], resources: [\"arn:aws:s3:::orders-in/*\"]}}]\n")
}

fn orders(actions: &str) -> String {
    identity("orders", "orders", &scope(actions))
}

fn world(text: &str) -> World {
    let read = manifest::read("f.yaml", text);
    assert_eq!(read.findings, [], "{text}");
    let (world, findings) = World::of(read.objects, Vec::new(), "default");
    assert_eq!(findings, []);
    world
}

fn between(old: &str, new: &str, threads: usize) -> Vec<Change> {
    let installation = InstallationId::parse("sim").unwrap();
    changes(&world(old), &world(new), Ground { installation: &installation, catalogue: Catalogue::embedded(), threads })
}

/// What is said of the changes between two files beside the usual account and policy.
fn said(old: &str, new: &str) -> Vec<String> {
    let beside = format!("{ACCOUNT}{POLICY}");
    told(&format!("{beside}{old}"), &format!("{beside}{new}"))
}

fn told(old: &str, new: &str) -> Vec<String> {
    between(old, new, 1).iter().flat_map(lines).collect()
}

fn lines(change: &Change) -> Vec<String> {
    let Change { key, means, verdict, items, notes, refusal, .. } = change;
    let mut lines = vec![format!("{means:?} {key}: {}", verdict.name())];
    if let Some(refusal) = refusal {
        lines.push(format!("! {} {}: {}", refusal.code.id(), refusal.reason, refusal.message));
        lines.push(format!("! {}", refusal.effect));
    }
    for item in items {
        let label = item.label().map(|label| format!(" {label}")).unwrap_or_default();
        lines.push(format!("{} {}{label}: {}: {}", item.code.id(), item.way.name(), item.head, item.english));
    }
    lines.extend(notes.iter().map(|note| format!("* {note}")));
    lines
}

/// An identity with more in its spec, and one scope.
fn with(more: &str) -> String {
    identity("orders", "orders", &format!("{more}{}", scope("s3:GetObject")))
}

const READ: &str = "AMB0131 wider data: s3:GetObject on arn:aws:s3:::orders-in/*: can now read object `orders-in/x`";

#[test]
fn new_access_is_wider_with_the_most_sensitive_first() {
    assert_eq!(
        said(&orders("s3:GetObject"), &orders("s3:GetObject, s3:DeleteObject, s3:PutObject")),
        [
            "Change shop/orders: wider",
            "AMB0132 wider data loss: s3:DeleteObject on arn:aws:s3:::orders-in/*: can now delete object `orders-in/x`",
            "AMB0131 wider: s3:PutObject on arn:aws:s3:::orders-in/*: can now write object `orders-in/x`",
        ]
    );
}

#[test]
fn a_deletion_is_found_among_whatever_else_writes() {
    let found = between(
        &format!("{ACCOUNT}{POLICY}{}", orders("s3:GetObject")),
        &format!("{ACCOUNT}{POLICY}{}", orders("s3:GetObject, s3:PutObject, s3:DeleteObject, s3:DeleteObjectVersion")),
        1,
    );
    let [change] = found.as_slice() else { panic!("{found:#?}") };
    let first = &change.items[0];
    assert_eq!(first.head, "s3:DeleteObject and 1 more action on arn:aws:s3:::orders-in/*");
    assert_eq!(first.actions, ["s3:DeleteObject", "s3:DeleteObjectVersion"]);
    assert_eq!((first.field.as_str(), &*first.spot.file), ("spec.scopes[0]", "f.yaml"));
    let witness = first.witness.as_ref().unwrap();
    assert_eq!((witness.action.as_str(), witness.resource.as_str()), ("s3:DeleteObject", "arn:aws:s3:::orders-in/x"));
    assert!(change.widens() && change.is_grave());
}

#[test]
fn lost_access_is_narrower_and_an_exchange_is_both() {
    let delete = "s3:DeleteObject on arn:aws:s3:::orders-in/*: can";
    assert_eq!(
        said(&orders("s3:GetObject, s3:DeleteObject"), &orders("s3:GetObject")),
        ["Change shop/orders: narrower", &format!("AMB0134 narrower: {delete} no longer delete object `orders-in/x`")]
    );
    assert_eq!(
        said(&orders("s3:GetObject"), &orders("s3:DeleteObject")),
        [
            "Change shop/orders: both",
            &format!("AMB0132 wider data loss: {delete} now delete object `orders-in/x`"),
            "AMB0134 narrower: s3:GetObject on arn:aws:s3:::orders-in/*: can no longer read object `orders-in/x`",
        ]
    );
}

#[test]
fn what_is_only_written_in_another_way_is_cosmetic_or_nothing() {
    let none: [&str; 0] = [];
    let two = orders("s3:GetObject, s3:DeleteObject");
    assert_eq!(said(&two, &orders("s3:deleteobject, s3:GetObject")), ["Change shop/orders: cosmetic"]);
    assert_eq!(said(&two, &two.replace("inbox", "other")), ["Change shop/orders: cosmetic"]);
    assert_eq!(said(&two, &format!("# more\n{two}")), none);
    let policy = POLICY.replace("tenants", "others");
    assert_eq!(told(&format!("{ACCOUNT}{POLICY}{two}"), &format!("{ACCOUNT}{policy}{two}")), none);
}

#[test]
fn a_condition_that_goes_or_comes_is_said_as_such() {
    let bare = scope("s3:GetObject");
    let condition = ", conditions: [{key: \"aws:SourceVpce\", operator: StringEquals, values: [vpce-1]}]}]";
    let bound = identity("orders", "orders", &bare.replace("}]\n", &format!("{condition}\n")));
    let bare = identity("orders", "orders", &bare);
    assert_eq!(
        said(&bound, &bare),
        ["Change shop/orders: wider", &format!("{READ}, also where the conditions so far are not met")]
    );
    assert_eq!(
        said(&bare, &bound),
        [
            "Change shop/orders: narrower",
            "AMB0134 narrower: s3:GetObject on arn:aws:s3:::orders-in/*: can no longer read object `orders-in/x`, \
             save where the conditions are met",
        ]
    );
}

#[test]
fn identities_come_and_go() {
    let one = orders("s3:GetObject");
    assert_eq!(
        said("", &one),
        ["Create shop/orders: created", READ, "* who may use it: service account `shop/orders`"]
    );
    assert_eq!(
        said(&one, ""),
        [
            "Delete shop/orders: deleted",
            "AMB0134 narrower: s3:GetObject on arn:aws:s3:::orders-in/*: can no longer read object `orders-in/x`",
        ]
    );
    for (policy, note) in [
        ("deletionPolicy: Retain", "its role stays as it is: `deletionPolicy` is Retain"),
        ("managementPolicy: Observe", "its role stays as it is: `managementPolicy` is Observe"),
        (
            "managementPolicy: Paused",
            "its role and the object stay until it is no longer paused: `managementPolicy` is Paused",
        ),
    ] {
        let kept = with(&format!("  {policy}\n"));
        assert_eq!(said(&kept, ""), ["Delete shop/orders: deleted", &format!("* {note}")]);
    }
}

#[test]
fn whoever_else_may_become_it_gets_all_that_it_has() {
    let one = orders("s3:GetObject");
    let english = "whoever proves to be that can now do all that the role may do";
    let other = identity("orders", "thief", &scope("s3:GetObject"));
    assert_eq!(
        said(&one, &other),
        [
            "Change shop/orders: wider",
            &format!(
                "AMB0141 wider handover: service account `shop/thief` instead of service account `shop/orders`: {english}"
            ),
        ]
    );
    let (old, new) = (format!("{ACCOUNT}{POLICY}{one}"), format!("{}{POLICY}{one}", ACCOUNT.replace("id/A", "id/B")));
    assert_eq!(
        told(&old, &new),
        [
            "Change shop/orders: wider",
            &format!(
                "AMB0141 wider handover: service account `shop/orders` of issuer `https://oidc.example.com/id/B` \
                 instead of service account `shop/orders` of issuer `https://oidc.example.com/id/A`: {english}"
            ),
        ]
    );
    let found = between(&old, &new, 1);
    let witness = found[0].items[0].witness.as_ref().unwrap();
    assert_eq!(
        (witness.action.as_str(), witness.resource.as_str()),
        ("sts:AssumeRoleWithWebIdentity", "arn:aws:iam::123456789012:role/ambit/sim/shop-orders-jjqdoewvnb")
    );
    assert!(found[0].is_grave());
}

#[test]
fn longer_sessions_are_wider_and_shorter_ones_narrower() {
    assert_eq!(
        said(&with(""), &with("  sessionDuration: 1h30m\n")),
        [
            "Change shop/orders: wider",
            "AMB0131 wider: sessions of up to 1h30m instead of 1h: credentials that somebody took can be used for longer",
        ]
    );
    assert_eq!(
        said(&with("  sessionDuration: 3h\n"), &with("")),
        [
            "Change shop/orders: narrower",
            "AMB0134 narrower: sessions of up to 1h instead of 3h: credentials that somebody took can be used for less long",
        ]
    );
}

#[test]
fn how_it_is_managed_is_told_as_notes() {
    assert_eq!(
        said(&with(""), &with("  managementPolicy: Observe\n  podAdmission: Allow\n  deletionPolicy: Retain\n")),
        [
            "Change shop/orders: settings",
            "* `managementPolicy` goes from Enforce to Observe: Ambit changes nothing at the role any more, and only tells what differs",
            "* `deletionPolicy` goes from Delete to Retain: the role stays, with its access, when the identity is deleted",
            "* `podAdmission` goes from RequireReady to Allow: pods start without credentials while the identity is not ready",
        ]
    );
    let one = orders("s3:GetObject");
    let there = ACCOUNT.replace("eu-west-1", "us-east-1");
    assert_eq!(
        told(&format!("{ACCOUNT}{POLICY}{one}"), &format!("{there}{POLICY}{one}")),
        ["Change shop/orders: settings", "* its pods get region us-east-1 instead of eu-west-1"]
    );
}

#[test]
fn how_pods_get_their_credentials_is_told_as_notes() {
    let one = orders("s3:GetObject");
    let with = |more: &str| ACCOUNT.replace("{webIdentity: {", &format!("{{webIdentity: {{{more}"));
    let to =
        |from: &str, to: &str| told(&format!("{}{POLICY}{one}", with(from)), &format!("{}{POLICY}{one}", with(to)));
    let annotated = "delivery: ServiceAccountAnnotation, ";
    assert_eq!(
        to("", annotated),
        [
            "Change shop/orders: settings",
            "* `delivery` goes from PodAdmission to ServiceAccountAnnotation: its service account is annotated, and the webhook of EKS adds token and environment to its new pods",
        ]
    );
    assert_eq!(
        to(annotated, "token: {expiration: 90m, directory: /var/run/secrets/x}, "),
        [
            "Change shop/orders: settings",
            "* `delivery` goes from ServiceAccountAnnotation to PodAdmission: Ambit's admission policies add token and environment to its new pods, and its service account loses Ambit's annotations",
            "* tokens of its new pods are valid for 1h30m instead of 1h",
            "* its new pods find their token in `/var/run/secrets/x` instead of `/var/run/secrets/ambit.dev`",
        ]
    );
    assert_eq!(to("", "token: {expiration: 1h}, "), Vec::<String>::new(), "as it was without");
}

#[test]
fn that_eks_hands_the_role_to_pods_is_told_as_a_note() {
    let one = orders("s3:GetObject");
    let start = ACCOUNT.find("{webIdentity: ").unwrap();
    let end = start + ACCOUNT[start..].find("}}").unwrap() + 2;
    let eks = format!("{}{{podIdentity: {{clusterName: prod-eu}}}}{}", &ACCOUNT[..start], &ACCOUNT[end..]);
    let notes = |before: &str, after: &str| {
        let told = told(&format!("{before}{POLICY}{one}"), &format!("{after}{POLICY}{one}"));
        told.into_iter().filter(|line| line.starts_with('*')).collect::<Vec<_>>()
    };
    assert_eq!(
        notes(ACCOUNT, &eks),
        [
            "* `federation` goes from webIdentity to podIdentity: EKS hands its new pods the role; pods that run lose it when their credentials end: restart them"
        ]
    );
    assert_eq!(
        notes(&eks, ACCOUNT),
        [
            "* the API server refuses a way back from `podIdentity` for a CloudAccount that exists: make another CloudAccount"
        ]
    );
    assert_eq!(notes(&eks, &eks.replace("prod-eu", "prod-us")), Vec::<String>::new());
}

#[test]
fn how_credentials_are_handed_out_is_told_as_a_note() {
    let allowing = POLICY.replace("spec:\n", "spec:\n  credentialTypes: [Federation, SessionSecret]\n");
    let secret = |rest: &str| format!("  credentials: {{sessionSecret: {{{rest}}}}}\n");
    let told = |old: &str, new: &str| {
        let world = |more: &str| format!("{ACCOUNT}{allowing}{}", with(more));
        let mut said = told(&world(old), &world(new));
        assert_eq!(said.remove(0), "Change shop/orders: settings");
        said
    };
    let environment = secret("secretName: orders-aws");
    let file = secret("secretName: orders-aws, format: SharedCredentialsFile, profile: orders");
    assert_eq!(
        told("", &environment),
        [
            "* `credentials` go from federation to environment variables in Secret `orders-aws`: whoever can read that Secret has the access, until what was read runs out"
        ]
    );
    assert_eq!(
        told(&environment, "  credentials: {federation: {}}\n"),
        [
            "* `credentials` go from environment variables in Secret `orders-aws` to federation: the Secret is deleted, and only the subject's own tokens give access"
        ]
    );
    assert_eq!(
        told(&environment, &file),
        [
            "* `credentials` go from environment variables in Secret `orders-aws` to a shared credentials file with profile `orders` in Secret `orders-aws`: whatever reads the Secret must read the new form"
        ]
    );
    assert_eq!(
        told(&environment, &secret("secretName: other")),
        [
            "* `credentials` go from environment variables in Secret `orders-aws` to environment variables in Secret `other`: the new Secret is written, then the old one is deleted"
        ]
    );
}

#[test]
fn an_account_that_changes_changes_its_identities() {
    let one = orders("s3:GetObject");
    let to = |from: &str, to: &str| {
        told(&format!("{ACCOUNT}{POLICY}{one}"), &format!("{}{POLICY}{one}", ACCOUNT.replace(from, to)))
    };
    assert_eq!(
        to("policy/ambit-boundary", "policy/other"),
        [
            "Change shop/orders: undecided",
            "AMB0136 undecided: boundary arn:aws:iam::123456789012:policy/other instead of \
             arn:aws:iam::123456789012:policy/ambit-boundary: what a boundary allows is not in the files, so it \
             cannot be decided whether access widens",
        ]
    );
    let role = "role/ambit/sim/shop-orders-jjqdoewvnb";
    let moved = to("accountId: \"123456789012\"", "accountId: \"210987654321\"");
    assert_eq!(
        moved,
        [
            "Change shop/orders: both".to_owned(),
            format!(
                "AMB0131 wider: role arn:aws:iam::210987654321:{role}: it is another role: all that it may do there is new"
            ),
            READ.to_owned(),
            format!(
                "AMB0134 narrower: role arn:aws:iam::123456789012:{role}: the role that it had is no longer its own, \
                 and whatever names that one no longer reaches it"
            ),
        ]
    );
}

const MISSPELT: &str =
    "`spec.scopes[0].actions[0]`: scope `inbox`: `s3:GetObjekt` is not an action of s3; did you mean `s3:GetObject`?";

#[test]
fn a_declaration_that_is_refused_says_why_and_what_then() {
    let wrong = orders("s3:GetObjekt");
    let refusal = format!("! AMB0116 UnknownAction: {MISSPELT}");
    assert_eq!(said("", &wrong), ["Create shop/orders: refused", &refusal, "! no role is made for it"]);
    assert_eq!(
        said(&orders("s3:GetObject"), &wrong),
        ["Change shop/orders: refused", &refusal, "! its role stays as it was before this change"]
    );
    assert_eq!(
        said(&orders("s3:GetObjec"), &wrong),
        [
            "Change shop/orders: refused".to_owned(),
            refusal,
            "! nothing is changed in the cloud".to_owned(),
            format!("* it was refused before too: {}", MISSPELT.replace("Objekt", "Objec")),
        ]
    );
    assert_eq!(
        said(&wrong, &orders("s3:GetObject")),
        [
            "Change shop/orders: nowAllowed",
            READ,
            &format!("* it was refused before, so all its access is new: {MISSPELT}"),
        ]
    );
    assert_eq!(said(&wrong, ""), ["Delete shop/orders: deleted", &format!("* it was refused before: {MISSPELT}")]);
}

#[test]
fn what_a_refused_declaration_would_have_been_is_said_too() {
    let new = identity(
        "orders",
        "orders",
        &scope("s3:GetObject").replace(
            "]}]",
            "]}, {name: more, actions: [\"sns:Publish\"], resources: [\"arn:aws:sns:eu-west-1:123456789012:t\"]}]",
        ),
    );
    let lines = said(&orders("s3:GetObject"), &new);
    assert_eq!(lines[0], "Change shop/orders: refused");
    assert!(lines[1].starts_with("! AMB0114 ScopeDenied: "), "{lines:#?}");
    assert_eq!(
        lines[3..],
        ["AMB0131 wider: sns:Publish on arn:aws:sns:eu-west-1:123456789012:t: can now publish to topic `t`"]
    );
    let found = between(&format!("{ACCOUNT}{POLICY}{}", orders("s3:GetObject")), &format!("{ACCOUNT}{POLICY}{new}"), 1);
    assert!(!found[0].widens(), "what is refused widens nothing");
}

#[test]
fn an_edit_of_a_policy_shows_whom_it_hits_and_how() {
    let one = orders("s3:GetObject");
    let narrow = POLICY.replace("\"s3:*\", ", "");
    let revoke = narrow.replace("spec:\n", "spec:\n  enforcement: Revoke\n");
    let all = |policy: &str| format!("{ACCOUNT}{policy}{one}");
    for (policy, effect) in [
        (&narrow, "! it is only told: its access stays as it is"),
        (&revoke, "! its access is closed: its role is denied everything until it fits again"),
    ] {
        let lines = told(&all(POLICY), &all(policy));
        assert_eq!(lines[0], "Change shop/orders: noLongerAllowed");
        assert!(lines[1].starts_with("! AMB0114 ScopeDenied: "), "{lines:#?}");
        assert_eq!(lines[2..], [effect]);
    }
    let lines = told(&all(&narrow), &all(POLICY));
    assert_eq!(lines[..2], ["Change shop/orders: nowAllowed", READ]);
    assert!(lines[2].starts_with("* it was refused before, so all its access is new: "), "{lines:#?}");
    let gone = told(&all(POLICY), &all(""));
    assert_eq!(gone[0], "Change shop/orders: noLongerAllowed");
    assert!(gone[1].starts_with("! AMB0113 NoScopePolicy: no ScopePolicy selects namespace 'shop'"), "{gone:#?}");
    let account = told(&all(POLICY), &format!("{POLICY}{one}"));
    assert!(account[1].starts_with("! AMB0111 AccountNotFound: "), "{account:#?}");
    assert_eq!(account[2..], ["! nothing more is changed in the cloud until that is mended"]);
}

#[test]
fn what_the_files_do_not_hold_is_said_and_compared_as_far_as_can_be() {
    let (old, new) = (orders("s3:GetObject, s3:PutObject"), orders("s3:GetObject"));
    let note = "add the files that do with --with";
    let lines = told(&format!("{ACCOUNT}{old}"), &format!("{ACCOUNT}{new}"));
    assert_eq!(lines[0], "Change shop/orders: narrower");
    assert_eq!(
        lines.last().unwrap(),
        &format!(
            "* not judged by guardrails: the files do not hold Namespace 'shop' with its labels and any ScopePolicy; {note}"
        )
    );
    let without = told(&old, &new);
    assert_eq!(
        without,
        [
            "Change shop/orders: undecided",
            &format!("* not judged by guardrails: the files do not hold CloudAccount 'prod'; {note}"),
        ]
    );
    assert!(told(&old, &old).is_empty());
    let created = told("", &old);
    assert_eq!(created[0], "Create shop/orders: created");
}

#[test]
fn many_threads_say_the_same_as_one_in_the_same_order() {
    let many = |actions: &str| -> String {
        let one = |number: u32| identity(&format!("i{number}"), &format!("s{number}"), &scope(actions));
        (10..40).map(one).collect()
    };
    let (old, new) =
        (format!("{ACCOUNT}{POLICY}{}", many("s3:GetObject")), format!("{ACCOUNT}{POLICY}{}", many("s3:PutObject")));
    let alone = between(&old, &new, 1);
    let names: Vec<&str> = alone.iter().map(|change| change.key.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[29]), (30, "i10", "i39"));
    for threads in [2, 7, 100] {
        assert_eq!(between(&old, &new, threads), alone);
    }
}

/// A policy that does not allow what is of S3.
fn narrow(enforcement: &str) -> String {
    POLICY.replace("\"s3:*\", ", "").replace("spec:\n", &format!("spec:\n  enforcement: {enforcement}\n"))
}

#[test]
fn an_identity_that_is_refused_on_both_sides_is_closed_or_stays_closed() {
    let one = with("  sessionDuration: 2h\n");
    let (warn, revoke) = (format!("{ACCOUNT}{}{one}", narrow("Warn")), format!("{ACCOUNT}{}{one}", narrow("Revoke")));
    let lines = told(&warn, &revoke);
    assert_eq!(lines[0], "Change shop/orders: noLongerAllowed");
    assert_eq!(
        lines[2],
        "! its access is closed: its role is denied everything until it fits again, unless what is live fits"
    );
    let lines = told(&revoke, &warn);
    assert_eq!(lines[0], "Change shop/orders: settings");
    assert_eq!(
        lines[1],
        "* no ScopePolicy that selects it says `enforcement: Revoke` any more: a role that was closed stays closed until the identity fits again"
    );
    assert!(told(&warn, &warn.replace("maxSessionDuration: 12h", "maxSessionDuration: 11h")).is_empty());
    let more = told(&revoke, &revoke.replace("maxSessionDuration: 12h", "maxSessionDuration: 1h"));
    assert_eq!(more[0], "Change shop/orders: refused");
    assert_eq!(more[2], "! what is live is judged, and its role is denied everything if that does not fit");
    let gone = told(&revoke, &format!("{ACCOUNT}{one}"));
    assert!(gone.iter().any(|line| line.contains("stays closed until the identity fits again")), "{gone:#?}");
}

#[test]
fn a_change_that_is_refused_where_access_is_revoked_has_what_is_live_judged() {
    let policy = narrow("Revoke");
    let (fits, not) =
        (orders("sqs:SendMessage").replace("s3:::orders-in/*", "sqs:eu-west-1:123456789012:q"), orders("s3:GetObject"));
    let lines = told(&format!("{ACCOUNT}{policy}{fits}"), &format!("{ACCOUNT}{policy}{not}"));
    assert_eq!(lines[0], "Change shop/orders: refused");
    assert_eq!(lines[2], "! what is live is judged, and its role is denied everything if that does not fit");
}

#[test]
fn access_that_was_refused_and_goes_to_somebody_else_is_a_handover() {
    let old = format!("{ACCOUNT}{}{}", narrow("Warn"), orders("s3:GetObject"));
    let new = format!("{ACCOUNT}{POLICY}{}", identity("orders", "thief", &scope("s3:GetObject")));
    let found = between(&old, &new, 1);
    let lines = lines(&found[0]);
    assert_eq!(lines[0], "Change shop/orders: nowAllowed");
    assert!(lines[1].starts_with("AMB0141 wider handover: service account `shop/thief` instead of"), "{lines:#?}");
    assert!(found[0].is_grave());
}

#[test]
fn what_hangs_on_labels_that_are_not_known_is_not_accepted_in_silence() {
    let labelled = |rule: &str| {
        POLICY
            .replace("tenants", "fence")
            .replace("namespaceSelector: {}", "namespaceSelector: {matchLabels: {tier: a}}")
            .replace("allow", rule)
    };
    let one = orders("s3:GetObject");
    let note = "* not judged by guardrails: the files do not hold Namespace 'shop' with its labels; add the files that do with --with";
    let before = format!("{ACCOUNT}{POLICY}{one}");
    let lines = told(&before, &format!("{ACCOUNT}{POLICY}{}{one}", labelled("deny")));
    assert_eq!(
        lines,
        [
            "Change shop/orders: undecided",
            "* what it is judged by changes: whether it is accepted may change too",
            note
        ]
    );
    let both = |text: &str| format!("{ACCOUNT}{POLICY}{}{text}", labelled("deny"));
    assert!(told(&both(&one), &both(&one)).is_empty());
    let wider = told(&both(&one), &both(&orders("s3:GetObject, s3:PutObject")));
    assert_eq!((wider[0].as_str(), wider.last().unwrap().as_str()), ("Change shop/orders: wider", note));
    let created = told(&both(""), &both(&one));
    assert!(created.contains(&note.to_owned()), "{created:#?}");
}
