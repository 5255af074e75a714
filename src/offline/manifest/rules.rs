//! The rules of a kind, in CEL, as the API server evaluates them when an object is
//! created: rules about changes are not asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use kube_cel::KubeCelExt as _;
use kube_cel::cel::extractors::This;
use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, ExecutionError, Program, Value as Cel};
use regex::Regex;
use serde_json::Value;

use super::node::{Node, Range};
use super::report::{Report, Way};
use super::schema::{Others, Schema};
use crate::names::{printable, shortened};
use crate::offline::code::Code;

/// A rule, compiled when it is first asked.
pub(super) struct Rule {
    pub text: String,
    pub message: String,
    program: OnceLock<Option<Program>>,
}

/// What a rule says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Kept,
    Broken,
    /// The rule stumbled over the value, which the API server refuses too.
    Stumbled,
}

thread_local! {
    /// The functions of CEL. Filling it takes longer than most rules.
    static FUNCTIONS: Context<'static> = {
        let mut functions = Context::default().with_all();
        functions.add_function("matches", matches);
        functions
    };
    /// The patterns of the rules, compiled.
    static PATTERNS: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// CEL's own would compile its pattern for each entry of each list.
#[expect(clippy::needless_pass_by_value, reason = "the library hands arguments over by value")]
fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    PATTERNS.with_borrow_mut(|patterns| {
        if let Some(regex) = patterns.get(pattern.as_str()) {
            return Ok(regex.is_match(&text));
        }
        let regex =
            Regex::new(&pattern).map_err(|error| ExecutionError::function_error("matches", error.to_string()))?;
        let answer = regex.is_match(&text);
        patterns.insert(pattern.as_ref().clone(), regex);
        Ok(answer)
    })
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Rule {
    pub(super) fn new(text: &str, message: Option<&str>) -> Self {
        let message = message.map_or_else(|| format!("must keep the rule `{text}`"), str::to_owned);
        Self { text: text.to_owned(), message, program: OnceLock::new() }
    }

    pub(super) fn program(&self) -> Option<&Program> {
        self.program.get_or_init(|| Program::compile(&self.text).ok()).as_ref()
    }

    fn ask(&self, value: Cel) -> Answer {
        let Some(program) = self.program() else { return Answer::Stumbled };
        FUNCTIONS.with(|functions| {
            let mut context = functions.new_inner_scope();
            context.add_variable_from_value("self", value);
            match program.execute(&context) {
                Ok(Cel::Bool(true)) => Answer::Kept,
                Ok(Cel::Bool(false)) => Answer::Broken,
                _ => Answer::Stumbled,
            }
        })
    }
}

/// Asks all rules of a kind about an object. `value` is the object as the API server keeps it,
/// `node` as it is written.
pub(super) fn check(schema: &Schema, value: &Value, node: &Node, report: &mut Report) {
    walk(schema, value, &mut Way::default(), &mut |rule, answer, way| tell(rule, answer, way, node, report));
}

fn walk(schema: &Schema, value: &Value, way: &mut Way, told: &mut impl FnMut(&Rule, Answer, &str)) {
    if !schema.ruled {
        return;
    }
    // What speaks of the value before is about changes.
    let asked = schema.rules.iter().filter(|rule| !rule.text.contains("oldSelf"));
    let mut known = None;
    for rule in asked {
        let value = known.get_or_insert_with(|| cel(value));
        match rule.ask(value.clone()) {
            Answer::Kept => {}
            answer => told(rule, answer, way.as_str()),
        }
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let inner = match (schema.properties.get(name), &schema.others) {
                    (Some(inner), _) => inner,
                    (None, Others::Each(inner)) => inner,
                    _ => continue,
                };
                way.field(name, |way| walk(inner, value, way, told));
            }
        }
        Value::Array(items) => {
            let Some(inner) = &schema.items else { return };
            for (index, item) in items.iter().enumerate() {
                way.item(index, |way| walk(inner, item, way, told));
            }
        }
        _ => {}
    }
}

fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Cel::Int(number),
            (None, number) => Cel::Float(number.unwrap_or(f64::NAN)),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(cel).collect())),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(key, value)| (Key::String(Arc::new(key.clone())), cel(value)));
            Cel::Map(Map { map: Arc::new(pairs.collect()) })
        }
    }
}

fn tell(rule: &Rule, answer: Answer, way: &str, node: &Node, report: &mut Report) {
    // A rule on the whole object that speaks of its name is about the name.
    let field = if way.is_empty() && rule.text.contains("self.metadata.name") { "metadata.name" } else { way };
    let stumbled = answer == Answer::Stumbled && report.findings.iter().any(|finding| within(&finding.field, field));
    let told = || report.findings.iter().any(|finding| finding.field == field && finding.message == rule.message);
    if stumbled || report.misspelt(field) || told() {
        return;
    }
    let (range, help) = place(rule, field, node);
    report.tell(Code::Rule, range, field, rule.message.clone()).help = help;
}

fn within(field: &str, around: &str) -> bool {
    field.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What to point at: of a rule for all entries of a list, the first that breaks it.
fn place(rule: &Rule, field: &str, node: &Node) -> (Range, Option<String>) {
    let (key, found) = node.find(field);
    let items = found.items().filter(|_| rule.text.starts_with("self.all(")).unwrap_or_default();
    let breaks = |item: &Node| rule.ask(cel(&Value::Array(vec![item.value()]))) != Answer::Kept;
    match items.iter().enumerate().find(|(_, item)| breaks(item)) {
        None => (found.mark(key), None),
        Some((index, item)) => {
            let text = shortened(item.text().unwrap_or_default());
            (item.mark(None), Some(printable(&format!("`{field}[{index}]` is `{text}`"))))
        }
    }
}
