use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Texts, and what is told of them: place, code, field, message, and help in brackets. A real API
/// server judges the same texts; those marked as stricter it takes, because `kubectl` drops what is
/// wrong with them before it sends them.
const CORPUS: &str = include_str!("corpus.txt");

const IDENTITY: &str = "apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata:
  name: orders
  namespace: shop
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: orders}}
  scopes:
  - name: inbox
    access:
    - List
    - Read
    resources: [\"arn:aws:s3:::orders-in\"]
";

fn told(text: &str) -> String {
    read("f", text).findings.iter().map(line).collect()
}

fn line(finding: &Finding) -> String {
    let Spot { begin, end, .. } = &finding.spot;
    let help = finding.help.as_ref().map(|help| format!(" [{help}]")).unwrap_or_default();
    let (id, field, message) = (finding.code.id(), &finding.field, &finding.message);
    format!("{}:{}-{}:{} {id} {field}: {message}{help}\n", begin.line, begin.column, end.line, end.column)
}

fn only(text: &str) -> Manifest {
    let found = read("f", text);
    assert_eq!(found.findings, [], "{text}");
    found.objects.into_iter().next().unwrap()
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CORPUS.split("#### ").skip(1).map(|case| {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, told) = rest.split_once("====\n").unwrap();
        (name, text, told)
    })
}

#[test]
fn every_text_of_the_corpus_is_told_what_is_wrong_with_it_and_where() {
    let mut bad = 0;
    for (name, text, expected) in cases() {
        assert_eq!(told(text), expected, "{name}");
        assert_eq!(name.starts_with("good: "), expected.is_empty(), "{name}");
        bad += usize::from(!expected.is_empty());
    }
    assert!(bad >= 130, "{bad}");
}

#[test]
fn findings_name_their_object_and_file() {
    let found = read("env/prod.yaml", &IDENTITY.replace("List", "list"));
    assert_eq!(found.findings[0].object, "MachineIdentity shop/orders");
    assert_eq!(&*found.findings[0].spot.file, "env/prod.yaml");
    assert!(found.objects.is_empty(), "what is not valid is not handed on");
}

#[test]
fn an_object_is_handed_on_with_its_defaults_and_places() {
    let manifest = only(IDENTITY);
    assert_eq!(manifest.title(), "MachineIdentity shop/orders");
    let Content::Identity(identity) = &manifest.content else { panic!("{manifest:?}") };
    assert_eq!(std::time::Duration::from(identity.spec.session_duration).as_secs(), 3600);
    for (field, (line, begin), end) in [
        ("", (1, 1), (1, 31)),
        ("metadata.name", (4, 9), (4, 15)),
        ("spec", (6, 1), (6, 5)),
        ("spec.accountRef", (7, 15), (7, 27)),
        ("spec.scopes[0]", (10, 5), (10, 16)),
        ("spec.scopes[0].access", (11, 5), (11, 11)),
        ("spec.scopes[0].access[1]", (13, 7), (13, 11)),
        ("spec.scopes[0].resources[0]", (14, 17), (14, 41)),
        // The nearest around what is not written.
        ("spec.scopes[0].actions[3]", (10, 5), (10, 16)),
        ("spec.scopes[7]", (9, 3), (9, 9)),
        ("spec.sessionDuration", (6, 1), (6, 5)),
    ] {
        let spot = manifest.spot_of(field);
        let place = |(line, column)| Position { line, column };
        assert_eq!((spot.begin, spot.end), (place((line, begin)), place(end)), "{field}");
    }
    assert_eq!(manifest.spot_of_key("spec.accountRef.name").begin, Position { line: 7, column: 16 });
    assert_eq!(manifest.spot_of_key("spec.scopes[0]").begin, Position { line: 10, column: 5 });
}

#[test]
fn keys_with_dots_and_brackets_are_found() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    a.b/c: x\n    a: z\n";
    let manifest = only(text);
    for field in ["metadata.labels.a.b/c", "metadata.labels[a.b/c]"] {
        assert_eq!(manifest.spot_of(field).begin, Position { line: 6, column: 12 }, "{field}");
    }
    assert_eq!(manifest.spot_of("metadata.labels.a").begin, Position { line: 7, column: 8 });
    let Content::Namespace(labels) = &manifest.content else { panic!("{manifest:?}") };
    assert_eq!(labels.get("a.b/c").map(String::as_str), Some("x"));
}

#[test]
fn golden_cases_are_handed_on_as_they_are() {
    let manifest = only("apiVersion: cli.ambit.dev/v1alpha1\nkind: AccessTest\ncases:\n- may: on\n  what: ~\n");
    let Content::Test(value) = &manifest.content else { panic!("{manifest:?}") };
    assert_eq!(value["cases"], json!([{"may": true, "what": null}]));
    assert_eq!(manifest.spot_of("cases[0].may").begin, Position { line: 4, column: 8 });
}

#[test]
fn other_kinds_are_counted_and_nothing_is_not() {
    let text =
        "# only words\n---\n---\nkind: ConfigMap\napiVersion: v1\ndata: {a: 1, a: 2}\n---\n- a list\n---\na: b\n";
    let found = read("f", text);
    assert_eq!((found.objects.len(), found.findings.len(), found.passed_over), (0, 0, 3));
    let foreign = "apiVersion: example.com/v1\nkind: MachineIdentity\nspec: 5\n";
    assert_eq!((read("f", foreign).passed_over, told(foreign).as_str()), (1, ""));
}

#[test]
fn lists_are_taken_apart() {
    let namespaces = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n\
                      - {apiVersion: v1, kind: Pod}\n- \n";
    let found = read("f", namespaces);
    assert_eq!((found.objects.len(), found.passed_over), (1, 1));
    assert_eq!(found.objects[0].spot.begin, Position { line: 4, column: 3 });
}

#[test]
fn whatever_has_items_is_a_list() {
    for head in ["apiVersion: v1\nkind: ConfigMap", "apiVersion: ambit.dev/v1alpha1\nkind: ScopePolicy", "kind: X"] {
        let found =
            read("f", &format!("{head}\nitems:\n- {{apiVersion: v1, kind: Namespace, metadata: {{name: a}}}}\n"));
        assert!(found.findings.is_empty(), "{:?}", found.findings);
        assert_eq!(found.objects.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a"], "{head}");
    }
    let found = read("f", "apiVersion: v1\nkind: ConfigMap\nitems: {a: b}\n");
    assert_eq!((found.objects.len(), found.passed_over), (0, 1));
}

#[test]
fn signs_that_only_some_take_for_the_end_of_a_line_are_refused() {
    for (sign, name) in [('\u{85}', "U+0085"), ('\u{2028}', "U+2028"), ('\u{2029}', "U+2029")] {
        let found = read("f", &format!("a: b\n# x{sign}kind: c\n"));
        let escape = name.replace("U+", "\\u");
        assert_eq!(
            found.findings.iter().map(line).collect::<Vec<_>>(),
            [format!(
                "2:4-2:4 AMB0101 : must not hold the sign {name}: `kubectl` takes it for the end of a line, and others do not; leave it away, or write it as {escape} in double quotes\n"
            )]
        );
        assert!(read("f", &format!("{{\"a\": \"{sign}\"}}")).findings.is_empty(), "JSON has no such line ends");
    }
    assert!(read("f", "a: \"\\u2028\"\n").findings.is_empty());
}

#[test]
fn words_of_yaml_are_what_kubectl_takes_them_for() {
    let value = |word: &str| {
        let text = format!("apiVersion: cli.ambit.dev/v1alpha1\nkind: AccessTest\na: {word}\n");
        let Content::Test(value) = only(&text).content else { panic!("{word}") };
        value["a"].clone()
    };
    for (word, expected) in [
        ("y", json!(true)),
        ("On", json!(true)),
        ("no", json!(false)),
        ("yEs", json!("yEs")),
        ("\"on\"", json!("on")),
        ("~", json!(null)),
        ("", json!(null)),
        ("nUll", json!("nUll")),
        ("0777", json!(511)),
        ("-012", json!(-10)),
        ("08", json!(8)),
        ("0o17", json!(15)),
        ("0b11", json!(3)),
        ("0x1F", json!(31)),
        ("0x", json!("0x")),
        ("1_000", json!(1000)),
        ("_1", json!("_1")),
        ("+5", json!(5)),
        ("+-5", json!("+-5")),
        ("1e3", json!(1000)),
        ("1.0", json!(1)),
        ("1.10", json!(1.1)),
        (".5", json!(0.5)),
        (".", json!(".")),
        ("2001-01-01", json!("2001-01-01")),
        ("12:30:45", json!("12:30:45")),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ("!!str 1", json!("1")),
        ("!!int \"7\"", json!(7)),
        ("!!binary aGVsbG8=", json!("hello")),
        ("!own 1", json!("1")),
        ("{on: 1, 0x10: 2}", json!({"true": 1, "16": 2})),
        ("{<<: {a: 1, b: 2}, a: 9}", json!({"a": 9, "b": 2})),
        ("{a: 9, <<: {a: 1}}", json!({"a": 1})),
        ("{<<: [{a: 1}, {a: 2, c: 3}]}", json!({"a": 1, "c": 3})),
        ("|\n  b\n  c", json!("b\nc\n")),
    ] {
        assert_eq!(value(word), expected, "{word}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    assert!(told(&format!("a: {deep}\n")).contains("AMB0101"), "deep");
    let mut steps = "a0: &a0 [x, x]\n".to_owned();
    for step in 1..30 {
        let _ = writeln!(steps, "a{step}: &a{step} [*a{}, *a{}]", step - 1, step - 1);
    }
    let message = "must be smaller: it has more than 1000000 values, counting what aliases repeat";
    assert!(told(&steps).contains(message), "{}", told(&steps));
    let mut levels = "a0: &a0 [x]\n".to_owned();
    for level in 1..300 {
        let _ = writeln!(levels, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert!(told(&levels).contains("must be less deep: it has more than 200 levels"), "{}", told(&levels));
}

#[test]
fn a_mapping_with_many_fields_finds_what_stands_twice() {
    let labels: Vec<String> = (0..40).map(|n| format!("    l{n}: x\n")).collect();
    let labels = labels.concat();
    let text = format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n{labels}    l20: z\n");
    assert_eq!(
        told(&text),
        "46:5-46:8 AMB0101 metadata.labels.l20: must be there once: `l20` stands at line 26, column 5 already\n"
    );
}

#[test]
fn messages_cannot_move_the_cursor() {
    let text = IDENTITY.replace("{name: prod}", "{\"na\\u001b[2Jme\": prod}");
    assert!(!told(&text).contains('\u{1b}'), "{}", told(&text));
}

/// Visits a schema and all schemas in it.
fn each(schema: &schema::Schema, visit: &mut impl FnMut(&schema::Schema)) {
    visit(schema);
    schema.properties.values().for_each(|field| each(field, visit));
    schema.items.iter().for_each(|item| each(item, visit));
    if let schema::Others::Each(other) = &schema.others {
        each(other, visit);
    }
}

#[test]
fn all_rules_and_patterns_of_the_kinds_can_be_asked() {
    let mut rules = 0;
    for kind in KINDS.iter().filter(|kind| kind.name != TABLE) {
        let spec = kind.schema.properties.get("spec").unwrap();
        each(spec, &mut |schema| {
            if let Some(pattern) = &schema.pattern {
                assert!(regex::Regex::new(&pattern.text).is_ok(), "{}", pattern.text);
                assert!(words::has_words(&pattern.text), "`{}` has no words", pattern.text);
            }
        });
        each(&kind.schema, &mut |schema| {
            for rule in &schema.rules {
                assert!(rule.program().is_some(), "{}", rule.text);
                assert!(!rule.text.contains("__"), "a field whose name has to be escaped: {}", rule.text);
                rules += 1;
            }
        });
    }
    assert!(rules > 25, "{rules}");
}

/// What is not looked at is not in the definitions: whoever adds a keyword adds it to the checks.
#[test]
fn the_definitions_demand_nothing_that_is_not_checked() {
    const KNOWN: &[&str] = &[
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    fn visit(schema: &Value) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            assert!(KNOWN.contains(&keyword.as_str()), "{keyword}");
            match keyword.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(visit),
                "items" | "additionalProperties" => visit(value),
                "x-kubernetes-validations" => {
                    for rule in value.as_array().unwrap() {
                        let unknown = rule.as_object().unwrap().keys().find(|key| *key != "rule" && *key != "message");
                        assert_eq!(unknown, None, "{rule}");
                    }
                }
                _ => {}
            }
        }
    }
    for crd in crate::api::v1alpha1::crds() {
        let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
        visit(&serde_json::to_value(schema).unwrap());
    }
}

/// The library's own way through a kind's rules agrees with ours.
#[test]
fn rules_are_judged_as_the_library_judges_them() {
    let mut broken = 0;
    for (name, text, _) in cases() {
        for chunk in chunks::split(text).parts {
            let Ok(Some(node)) = yaml::read(chunk) else { continue };
            let word = |field: &str| node.get(field).and_then(Node::text).unwrap_or_default().to_owned();
            let Some(kind) = KINDS.iter().find(|kind| kind.name == word("kind") && kind.name != TABLE) else {
                continue;
            };
            let mut report = Report::new(&Arc::from("f"), String::new());
            check::check(&kind.schema, (None, &node), &mut Way::default(), Depth::Whole, &mut report);
            if !report.findings.is_empty() || node.get("metadata").and_then(Node::fields).is_none() {
                continue;
            }
            let value = kept(kind, &node);
            rules::check(&kind.schema, &value, &node, &mut report);
            let crds = crate::api::v1alpha1::crds();
            let crd = crds.iter().find(|crd| crd.spec.names.kind == kind.name).unwrap();
            let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
            let theirs = kube_cel::validate(&serde_json::to_value(schema).unwrap(), &value, None);
            let theirs = theirs.err().map(kube_cel::ValidationErrors::into_vec).unwrap_or_default();
            assert_eq!(report.findings.len(), theirs.len(), "{name}: {theirs:?}");
            broken += theirs.len();
        }
    }
    assert!(broken > 15, "{broken}");
}

fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "apiVersion: ambit.dev/v1alpha1\n",
        "kind: MachineIdentity\n",
        "kind: CloudAccount\n",
        "kind: List\n",
        "items:\n",
        "- ",
        "metadata: {name: a}\n",
        "spec:\n",
        "  ",
        "scopes:",
        "name:",
        "&a ",
        "*a",
        "<<: ",
        "---\n",
        "...\n",
        "\t",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "'",
        "|\n",
        ">\n",
        "!!int ",
        "!!binary ",
        "? ",
        "#",
        "\r\n",
        "\n",
        "\u{feff}",
        "é",
        "\u{1f600}",
        "0777",
        "~",
        "%YAML 1.1\n",
        "accountRef",
        "null",
        "\\",
        "1e999",
        "-0b1",
        "+",
        "._",
        "sessionDuration: 9999999999999h9h\n",
        "\u{0}",
        "\u{2028}",
        "{\"a\":1}",
        "[0]",
    ]);
    prop::collection::vec(prop_oneof![9 => scrap.prop_map(str::to_owned), 1 => "\\PC{0,8}"], 0..40)
        .prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in scraps(), field in "[a-z.\\[\\]0-9]{0,12}") {
        for manifest in read("f", &text).objects {
            prop_assert_eq!(&*manifest.spot_of(&field).file, "f");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("f", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_damaged_object_is_read_or_told_of(at in 0..IDENTITY.len(), scrap in scraps()) {
        let text = format!("{}{scrap}{}", &IDENTITY[..at], &IDENTITY[at..]);
        let found = read("f", &text);
        for finding in &found.findings {
            let Spot { begin, end, .. } = &finding.spot;
            prop_assert!(begin <= end && begin.line >= 1 && begin.column >= 1, "{}", line(finding));
        }
    }

    #[test]
    fn names_are_fine_as_the_api_server_has_it(name in "[a-cA-C0-1._-]{0,8}") {
        let dns = regex::Regex::new(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$").unwrap();
        let found = told(&IDENTITY.replace("  name: orders\n", &format!("  name: \"{name}\"\n")));
        prop_assert_eq!(found.is_empty(), dns.is_match(&name), "{}", found);
    }
}
