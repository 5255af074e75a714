use super::super::super::fields::Question;
use super::*;

const NOTHING: &str = r#"{"Statement":[]}"#;

fn asked(request: &str, policies: &str) -> Result<Asked, String> {
    let text = format!(r#"{{"id":1,"request":{request},"policies":{policies}}}"#);
    Asked::read(&Question::read(&text, &FIELDS).fields.unwrap())
}

fn of_request(fields: &str) -> Result<Request, String> {
    asked(&format!(r#"{{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k"{fields}}}"#), "{}")
        .map(|asked| asked.request)
}

fn of_policies(policies: &str) -> Result<Layers<Policy>, String> {
    asked(r#"{"action":"s3:GetObject","resource":"*"}"#, policies).map(|asked| asked.layers)
}

#[test]
fn context_values_are_texts_numbers_booleans_and_lists_of_them() {
    let request = of_request(r#","context":{"a":"x","B":1.50,"c":true,"d":["x",2,false],"e":[]}"#).unwrap();
    let keys: Vec<_> = request.context.iter().map(|value| (&*value.key, value.values.clone(), value.list)).collect();
    let strings = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let expected = [
        ("a", strings(&["x"]), false),
        ("B", strings(&["1.50"]), false),
        ("c", strings(&["true"]), false),
        ("d", strings(&["x", "2", "false"]), true),
        ("e", strings(&[]), true),
    ];
    assert_eq!(keys, expected);
}

#[test]
fn whoever_is_not_named_is_not_known() {
    assert_eq!(of_request("").unwrap().principal, None);
    assert_eq!(of_request(r#","principal":null"#).unwrap().principal, None);
    assert_eq!(of_request(r#","principal":"*""#).unwrap().principal.as_deref(), Some("*"));
}

#[test]
fn a_request_that_is_not_understood_is_refused_at_its_place() {
    let fields = "it must be `action`, `resource`, `principal` or `context`";
    let scalar = "it must be a text, a number or a boolean, not";
    let cases = [
        (r#","principal":"""#, "`request.principal`: it must not be empty".to_owned()),
        (r#","principal":["*"]"#, "`request.principal`: it must be a text, not a list".into()),
        (r#","user":"a""#, format!("`request.user` is not a field: {fields}")),
        (r#","action":"s3:PutObject""#, "`request.action` stands twice: leave one out".into()),
        (r#","context":[]"#, "`request.context`: it must be an object, not a list".into()),
        (r#","context":{"k":null}"#, format!("`request.context.k`: {scalar} null")),
        (r#","context":{"k":["a",null]}"#, format!("`request.context.k[1]`: {scalar} null")),
        (r#","context":{"k":["a",["b"]]}"#, format!("`request.context.k[1]`: {scalar} a list")),
        (r#","context":{"k":{}}"#, format!("`request.context.k`: {scalar} an object")),
        (r#","context":{"k":1,"k":2}"#, "`request.context.k` stands twice: leave one out".into()),
        (
            r#","context":{"aws:K":1,"AWS:k":2}"#,
            "`request.context.AWS:k` stands twice, in another case: leave one out".into(),
        ),
    ];
    for (field, message) in cases {
        assert_eq!(of_request(field).unwrap_err(), message);
    }
    let needed = "`request.resource` must be there: an ARN, or `*` for an action without a resource";
    assert_eq!(asked(r#"{"action":"s3:GetObject"}"#, "{}").unwrap_err(), needed);
    let needed = "`request` must be there: an object with `action` and `resource`";
    assert_eq!(asked("null", "{}").unwrap_err(), needed);
    let empty = "`request.action`: it must not be empty";
    assert_eq!(asked(r#"{"action":"","resource":"*"}"#, "{}").unwrap_err(), empty);
}

#[test]
fn every_layer_finds_its_place() {
    let text = serde_json::to_string(NOTHING).unwrap();
    let policies = format!(
        r#"{{"identity":[{NOTHING},{text}],"boundary":{NOTHING},"session":{text},"resource":{NOTHING},
            "scps":[[{NOTHING}],[{NOTHING},{NOTHING}]],"rcps":[[],[{NOTHING}]],"managementAccount":"123456789012"}}"#
    );
    let asked = asked(r#"{"action":"s3:GetObject","resource":"*"}"#, &policies).unwrap();
    let places: Vec<String> = asked.policies().into_iter().map(|(place, _)| place).collect();
    let expected = [
        "policies.identity[0]",
        "policies.identity[1]",
        "policies.boundary",
        "policies.session",
        "policies.resource",
        "policies.scps[0][0]",
        "policies.scps[1][0]",
        "policies.scps[1][1]",
        "policies.rcps[1][0]",
    ];
    assert_eq!(places, expected);
    assert_eq!(asked.layers.rcps.len(), 2);
    assert_eq!(asked.layers.management_account.unwrap().as_str(), "123456789012");
    assert_eq!(of_policies(r#"{"boundary":null,"scps":null}"#).unwrap(), Layers::default());
}

#[test]
fn a_policy_that_is_not_understood_is_refused_at_its_place() {
    let fields = "it must be `identity`, `boundary`, `session`, `resource`, `scps`, `rcps` or `managementAccount`";
    let policy = "it must be a policy, as an object or as a text, not";
    let cases = [
        (r#"{"boundry":{}}"#, format!("`policies.boundry` is not a field: {fields}")),
        (r#"{"identity":{}}"#, "`policies.identity`: it must be a list of policies, not an object".to_owned()),
        (r#"{"identity":[1]}"#, format!("`policies.identity[0]`: {policy} a number")),
        (
            r#"{"identity":[{"Statement":[]},{}]}"#,
            "`policies.identity[1]`: the policy cannot be read at `Statement`: it must be there".into(),
        ),
        (r#"{"scps":[{}]}"#, "`policies.scps[0]`: it must be a list of policies, not an object".into()),
        (
            r#"{"scps":{}}"#,
            "`policies.scps`: it must be a list of levels, each a list of policies, not an object".into(),
        ),
        (r#"{"rcps":[[],[null]]}"#, format!("`policies.rcps[1][0]`: {policy} null")),
        (r#"{"boundary":[]}"#, format!("`policies.boundary`: {policy} a list")),
        (
            r#"{"managementAccount":"12"}"#,
            "`policies.managementAccount`: `12` is not an account id: it must have exactly 12 digits".into(),
        ),
    ];
    for (policies, message) in cases {
        assert_eq!(of_policies(policies).unwrap_err(), message);
    }
}
