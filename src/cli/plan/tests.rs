use super::*;
use crate::names::InstallationId;
use crate::offline::{World, manifest};

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
  allow: [{name: data, actions: ["s3:*"], resources: ["*"]}]
---
"#;

fn identity(actions: &str, resource: &str) -> String {
    format!(
        "apiVersion: ambit.dev/v1alpha1\nkind: MachineIdentity\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  \
         accountRef: {{name: prod}}\n  subject: {{serviceAccount: {{name: orders}}}}\n  \
         scopes: [{{name: inbox, actions: [{actions}], resources: [\"{resource}\"]}}]\n"
    )
}

fn orders(actions: &str) -> String {
    identity(actions, "arn:aws:s3:::orders-in/*")
}

fn report(old: &str, new: &str) -> Report {
    let world = |text: &str| {
        let read = manifest::read("f.yaml", &format!("{BESIDE}{text}"));
        World::of(read.objects, Vec::new(), "default").0
    };
    let installation = InstallationId::parse("sim").unwrap();
    let ground = Ground { installation: &installation, catalogue: Catalogue::embedded(), threads: 1 };
    Report::of(Vec::new(), || changes(&world(old), &world(new), ground))
}

fn broken(code: Code, object: &str) -> Finding {
    let mut found = manifest::read("f.yaml", ": [").findings.remove(0);
    found.code = code;
    found.severity = code.severity();
    found.object = object.to_owned();
    found
}

#[test]
fn a_table_says_what_why_and_for_example() {
    let report = report(&orders("s3:GetObject"), &orders("s3:GetObject, s3:DeleteObject"));
    assert_eq!(
        table::of(&report),
        "\
~ shop/orders  AWS  role shop-orders-jjqdoewvnb
  + s3:DeleteObject on arn:aws:s3:::orders-in/*   [WIDER, data loss]
    can now delete object `orders-in/x`
    for example s3:DeleteObject on arn:aws:s3:::orders-in/x
1 to change, 0 to create, 0 to delete; 1 widens access
"
    );
    assert_eq!(report.exit(FailOn::Any), Exit::Wider);
}

#[test]
fn a_table_says_what_comes_goes_and_is_refused() {
    let one = orders("s3:GetObject");
    assert_eq!(
        table::of(&report("", &orders("s3:GetObjekt"))),
        "\
+ shop/orders   [REFUSED]
  ! AMB0116 UnknownAction: `spec.scopes[0].actions[0]`: scope `inbox`: `s3:GetObjekt` is not an action of s3; did you mean `s3:GetObject`?
    no role is made for it
0 to change, 1 to create, 0 to delete; none widens access, 1 is refused
"
    );
    assert_eq!(
        table::of(&report(&one, "")),
        "\
- shop/orders  AWS  role shop-orders-jjqdoewvnb   [DELETED]
  - s3:GetObject on arn:aws:s3:::orders-in/*   [NARROWER]
0 to change, 0 to create, 1 to delete; none widens access
"
    );
    let comes = table::of(&report("", &one));
    assert!(comes.starts_with("+ shop/orders  AWS  role shop-orders-jjqdoewvnb   [CREATED]\n  + s3:GetObject on "));
    assert!(comes.ends_with(
        "  * who may use it: service account `shop/orders`\n0 to change, 1 to create, 0 to delete; 1 widens access\n"
    ));
    assert_eq!(table::of(&report(&one, &one)), "0 to change, 0 to create, 0 to delete; none widens access\n");
}

#[test]
fn exit_codes_are_those_that_fail_on_asks_for() {
    use Exit::{Findings, Fine, Wider};
    let read = orders("s3:GetObject");
    for (what, old, new, codes) in [
        ("nothing", &read, &read, [Fine, Fine, Fine, Fine]),
        ("cosmetic", &read, &read.replace("inbox", "other"), [Fine, Fine, Fine, Fine]),
        ("a note", &read, &format!("{read}  deletionPolicy: Retain\n"), [Fine, Fine, Fine, Findings]),
        ("narrower", &orders("s3:GetObject, s3:PutObject"), &read, [Fine, Fine, Fine, Findings]),
        ("deleted", &read, &String::new(), [Fine, Fine, Fine, Findings]),
        ("wider", &read, &orders("s3:GetObject, s3:PutObject"), [Fine, Fine, Wider, Wider]),
        ("both", &read, &orders("s3:PutObject"), [Fine, Fine, Wider, Wider]),
        ("created", &String::new(), &read, [Fine, Fine, Wider, Wider]),
        ("data loss", &read, &orders("s3:GetObject, s3:DeleteObject"), [Fine, Wider, Wider, Wider]),
        ("lost deletion", &orders("s3:GetObject, s3:DeleteObject"), &read, [Fine, Fine, Fine, Findings]),
        (
            "handover",
            &read,
            &read.replace("serviceAccount: {name: orders}", "serviceAccount: {name: x}"),
            [Fine, Wider, Wider, Wider],
        ),
        ("the account is gone", &read, &read.replace("name: prod", "name: gone"), [Fine, Findings, Findings, Findings]),
        (
            "undecided",
            &read.replace("name: prod", "name: gone"),
            &orders("s3:PutObject").replace("name: prod", "name: gone"),
            [Fine, Wider, Wider, Wider],
        ),
        ("refused", &read, &orders("s3:GetObjekt"), [Fine, Findings, Findings, Findings]),
    ] {
        let report = report(old, new);
        let found = [FailOn::Never, FailOn::DataLoss, FailOn::Wider, FailOn::Any].map(|fail_on| report.exit(fail_on));
        assert_eq!(found, codes, "{what}: {}", table::of(&report));
    }
}

#[test]
fn broken_files_end_with_an_error_whatever_fail_on_says() {
    let identity = || broken(Code::Schema, "MachineIdentity shop/orders");
    let part = Report::of(vec![identity()], || report(&orders("s3:GetObject"), "").changes);
    assert!(part.changes.is_empty() && !part.is_void, "what cannot be read was not deleted");
    assert_eq!(part.exit(FailOn::Never), Exit::Findings);
    let wider = report(&orders("s3:GetObject"), &orders("s3:PutObject"));
    let part = Report::of(vec![identity()], || wider.changes);
    assert_eq!((part.changes.len(), part.exit(FailOn::Any)), (1, Exit::Wider));
    let void = Report::of(vec![broken(Code::Schema, "ScopePolicy tenants")], || unreachable!());
    assert_eq!((void.is_void, void.exit(FailOn::Any)), (true, Exit::Findings));
    assert!(table::of(&void).ends_with("\nnothing was compared: mend the files first\n"), "{}", table::of(&void));
    assert!(table::of(&void).starts_with("f.yaml:1:1: error AMB0102: ScopePolicy tenants: "), "{}", table::of(&void));
    let void = Report::of(vec![broken(Code::Unreadable, "")], || unreachable!());
    assert_eq!(void.exit(FailOn::Never), Exit::Trouble);
}

#[test]
fn a_comment_has_a_summary_a_table_and_folded_details() {
    let report = report(&orders("s3:GetObject"), &orders("s3:GetObject, s3:DeleteObject"));
    let text = markdown::of(&report);
    let role = "shop&#45;orders&#45;jjqdoewvnb";
    let what = "s3&#58;DeleteObject on arn&#58;aws&#58;s3&#58;&#58;&#58;orders&#45;in/&#42;";
    let lines: Vec<String> = vec![
        "**Ambit: 1 to change, 0 to create, 0 to delete; 1 widens access**".into(),
        String::new(),
        "| | Identity | Change | What |".into(),
        "|---|---|---|---|".into(),
        format!("| <code>&#126;</code> | <code>shop/orders</code> | WIDER, data loss | <code>{what}</code> |"),
        String::new(),
        format!("<details><summary><code>shop/orders</code>, role <code>{role}</code></summary>"),
        String::new(),
        format!("- **WIDER, data loss** <code>{what}</code>"),
        "  <br>can now delete object <code>orders&#45;in/x</code>".into(),
        "  <br>for example <code>s3&#58;DeleteObject on arn&#58;aws&#58;s3&#58;&#58;&#58;orders&#45;in/x</code>".into(),
        String::new(),
        "</details>".into(),
    ];
    assert_eq!(text.trim_end().lines().collect::<Vec<_>>(), lines);
}

#[test]
fn nothing_from_a_file_can_be_markup_in_a_comment() {
    let evil = "arn:aws:s3:::b/</details>|`@team`[x](https://evil.example)#1 **x** <img src=y> www.evil.example";
    let text = markdown::of(&report(&orders("s3:GetObject"), &identity("s3:GetObject", evil)));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 3, "{text}");
    assert_eq!(rows[2].matches('|').count(), 5, "{text}");
    assert_eq!(text.matches("</details>").count(), 1, "{text}");
    for sign in ["@", "`", "](", "://", "<img", "www."] {
        assert!(!text.contains(sign), "`{sign}` in {text}");
    }
    let outside = text.replace("<code>", "\u{1}").replace("</code>", "\u{2}");
    let mut inside = false;
    for sign in outside.replace("&#64;", "@").chars() {
        match sign {
            '\u{1}' => inside = true,
            '\u{2}' => inside = false,
            '@' => assert!(inside, "a mention that a host would see in {text}"),
            _ => {}
        }
    }
}

#[test]
fn a_comment_stays_within_what_hosts_take() {
    let mut all = report(&orders("s3:GetObject"), &orders("s3:PutObject"));
    all.changes = (0..5_000).flat_map(|_| all.changes.clone()).collect();
    let text = markdown::of(&all);
    assert!(text.len() < 61_000, "{}", text.len());
    assert!(
        text.ends_with("\nand 4800 more that have no room here: run `ambit plan` to see them\n"),
        "{}",
        &text[text.len() - 90..]
    );
}

#[test]
fn json_tells_everything_in_a_stable_shape() {
    let report = report(&orders("s3:GetObject"), &orders("s3:GetObject, s3:DeleteObject"));
    let found: serde_json::Value = serde_json::from_str(&json::of(&report).unwrap()).unwrap();
    let (line, column) = (report.changes[0].spot.begin.line, report.changes[0].spot.begin.column);
    let spot = report.changes[0].items[0].spot.begin;
    let expected = serde_json::json!({
        "summary": {"change": 1, "create": 0, "delete": 0, "widens": 1, "refused": 0},
        "changes": [{
            "identity": "shop/orders", "action": "change", "verdict": "wider", "code": "AMB0131", "widens": true,
            "cloud": "AWS", "role": "shop-orders-jjqdoewvnb", "file": "f.yaml", "line": line, "column": column,
            "items": [{
                "part": "permissions", "way": "wider", "code": "AMB0132", "labels": ["WIDER", "data loss"],
                "sensitivity": "deletion", "what": "s3:DeleteObject on arn:aws:s3:::orders-in/*",
                "english": "can now delete object `orders-in/x`", "actions": ["s3:DeleteObject"],
                "witness": {"action": "s3:DeleteObject", "resource": "arn:aws:s3:::orders-in/x", "context": {}},
                "field": "spec.scopes[0]", "file": "f.yaml", "line": spot.line, "column": spot.column,
            }],
            "notes": [],
        }],
        "findings": [],
    });
    assert_eq!(found, expected);
}

#[test]
fn sarif_stands_at_the_scope_and_names_the_gravest_code() {
    let results = |report: &Report| -> Vec<(String, String)> {
        let log: serde_json::Value = serde_json::from_str(&sarif::of(report).unwrap()).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        results.iter().map(|result| (text(&result["ruleId"]), text(&result["message"]["text"]))).collect()
    };
    assert_eq!(
        results(&report(&orders("s3:GetObject"), &orders("s3:DeleteObject"))),
        [
            ("AMB0135", "shop/orders: access that widens and narrows"),
            ("AMB0132", "shop/orders: s3:DeleteObject on arn:aws:s3:::orders-in/* [WIDER, data loss]: can now delete object `orders-in/x`"),
            ("AMB0134", "shop/orders: s3:GetObject on arn:aws:s3:::orders-in/* [NARROWER]: can no longer read object `orders-in/x`"),
        ]
        .map(|(code, text)| (code.to_owned(), text.to_owned()))
    );
    let refused = results(&report(&orders("s3:GetObject"), &orders("s3:GetObjekt")));
    assert_eq!(refused[0].0, "AMB0116");
    assert!(refused[0].1.ends_with("; its role stays as it was before this change"), "{refused:?}");
    assert_eq!(results(&report(&orders("s3:GetObject"), ""))[0].0, "AMB0139");
}
