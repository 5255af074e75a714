use super::*;
use crate::domain::{Birth, SessionSeconds};
use crate::plan::sample::{desired, live, owner, permissions, trust};
use crate::policy::Document;

fn present() -> Observation<Observed> {
    Observation::Present(live(&desired()))
}

/// What the linter says about steps on our own principal.
fn said(steps: &[Step]) -> Vec<String> {
    lint(steps, &owner(), &present(), false).iter().map(ToString::to_string).collect()
}

fn document(text: &str) -> Document {
    Document::read(text).unwrap()
}

fn trusting(condition: &str) -> Step {
    Step::SetTrust(document(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/x"}},
        "Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}]}}"#
    )))
}

#[test]
fn a_good_plan_has_no_findings() {
    let desired = desired();
    let steps = [Step::Close, Step::SetTrust(desired.trust), Step::SetPermissions(desired.permissions), Step::Open];
    assert_eq!(said(&steps), Vec::<String>::new());
}

#[test]
fn a_principal_of_another_identity_is_not_changed() {
    let mut other = live(&desired());
    other.owner.identity = Some("shop/mailer".into());
    let found = lint(&[Step::Close], &owner(), &Observation::Present(other), false);
    assert_eq!(found, [Finding::ForeignOwner("close")]);
    assert_eq!(found[0].to_string(), "step `close` would change a principal that belongs to another identity");
}

#[test]
fn a_principal_on_another_path_is_not_changed() {
    let other = Observed { on_our_path: false, ..live(&desired()) };
    let found = lint(&[Step::Close], &owner(), &Observation::Present(other), false);
    assert_eq!(found, [Finding::ForeignPath("close")]);
    assert_eq!(found[0].to_string(), "step `close` would change a principal outside this installation's path");
}

#[test]
fn trust_must_be_exact() {
    let aud = r#""x:aud":"sts.amazonaws.com""#;
    let sub = r#""x:sub":"system:serviceaccount:shop:orders""#;
    let claims = "`aud` and `sub` must each equal exactly one value";
    let cases = [
        ("{}".to_owned(), "a statement has no `StringEquals`"),
        (format!(r#"{{"StringLike":{{{aud},{sub}}}}}"#), "a statement has no `StringEquals`"),
        (format!(r#"{{"StringEquals":{{{aud}}}}}"#), claims),
        (format!(r#"{{"StringEquals":{{{sub}}}}}"#), claims),
        (format!(r#"{{"StringEquals":{{{aud},"x:sub":"system:serviceaccount:shop:*"}}}}"#), claims),
        (format!(r#"{{"StringEquals":{{{aud},"x:sub":["a","b"]}}}}"#), claims),
        (
            format!(r#"{{"StringEquals":{{{aud},{sub}}},"StringLike":{{"x:email":"a"}}}}"#),
            "a statement has conditions beside `StringEquals`",
        ),
    ];
    for (condition, why) in cases {
        let expected = format!("the trust policy of step `set-trust` is not exact: {why}");
        assert_eq!(said(&[trusting(&condition)]), [expected], "{condition}");
    }
}

#[test]
fn trust_names_a_federated_provider() {
    let anybody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",
        "Condition":{"StringEquals":{"x:aud":"a","x:sub":"b"}}}]}"#;
    let birth =
        Birth { owner: owner(), trust: document(anybody), boundary: desired().boundary, session: SessionSeconds::MIN };
    let found = lint(&[Step::Create(birth)], &owner(), &Observation::Absent, false);
    assert_eq!(found, [Finding::InexactTrust("create", "a statement does not name one federated provider")]);
}

#[test]
fn documents_fit_into_their_limits() {
    let too_much = permissions(&["s3:GetObject", &format!("s3:{}", "x".repeat(10_240))]);
    let size = too_much.size();
    let expected = format!("the document of step `set-permissions` has {size} characters and must have at most 10240");
    assert_eq!(said(&[Step::SetPermissions(too_much)]), [expected]);
    let long = document(&trust("orders").text().replace("shop:orders", &format!("shop:{}", "y".repeat(2_000))));
    let expected =
        format!("the document of step `set-trust` has {} characters and must have at most 2048", long.size());
    assert_eq!(said(&[Step::SetTrust(long)]), [expected]);
}

#[test]
fn nothing_is_given_before_it_is_bounded() {
    let desired = desired();
    let give = Step::SetPermissions(desired.permissions.clone());
    for bounding in [Step::SetBoundary(desired.boundary.clone()), Step::SetTrust(desired.trust.clone())] {
        assert_eq!(
            said(&[give.clone(), bounding.clone()]),
            ["step `set-permissions` comes before the step that bounds it"]
        );
        assert_eq!(said(&[bounding, give.clone()]), Vec::<String>::new());
    }
    assert_eq!(said(&[Step::Open, Step::Close]), ["step `open` comes before the step that bounds it"]);
}

#[test]
fn nothing_is_deleted_unasked() {
    let steps = [Step::RemovePermissions, Step::Delete];
    assert_eq!(
        said(&steps),
        [
            "step `remove-permissions` belongs to a deletion and no deletion was asked for",
            "step `delete` belongs to a deletion and no deletion was asked for"
        ]
    );
    assert_eq!(lint(&steps, &owner(), &present(), true), []);
}
