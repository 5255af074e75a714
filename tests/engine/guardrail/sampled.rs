//! Requests that permissions allow, from the edges of the permissions and of
//! the policies that they are judged by.

use ambit::policy::evaluate::{Prepared, alone};
use ambit::policy::{Catalogue, Outcome, Policy, Request};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many requests are tried for one pair.
const TRIED: usize = 160;
/// What stands in the place of a `*`.
const FILLINGS: [&str; 6] = ["", "x", "a", "orders", "in/a", "x/y"];
/// What a key of a request has, besides what policies name.
const VALUES: [&str; 8] = ["", "vpce-1", "vpce-2", "vpce-1x", "10.1.2.3", "10.2.0.1", "true", "shop"];

/// A sequence that looks random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides.max(1) as u64).unwrap_or_default()
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }
}

/// The strings of a list, or the only one.
fn strings(value: &Value) -> Vec<String> {
    let all = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The keys of all conditions, with the values that they are compared with.
fn keys<'a>(elements: impl Iterator<Item = &'a Value>) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for condition in elements.filter_map(|element| element["conditions"].as_array()).flatten() {
        let key = condition["key"].as_str().unwrap_or_default().to_ascii_lowercase();
        keys.entry(key).or_default().extend(strings(&condition["values"]));
    }
    keys
}

/// Everything that an action's pattern stands for, today and perhaps one day.
fn actions(pattern: &str) -> Vec<String> {
    let (service, name) = pattern.split_once(':').unwrap_or(("s3", pattern));
    if !name.contains(['*', '?']) {
        return vec![pattern.to_owned()];
    }
    let known = Catalogue::embedded().service(service).map(|service| service.matching(name)).unwrap_or_default();
    let mut all: Vec<String> = known.iter().map(|action| format!("{service}:{}", action.name)).collect();
    all.push(format!("{service}:{}", name.replace('*', "Zzz").replace('?', "Q")));
    all
}

fn fill(pattern: &str, dice: &mut Dice) -> String {
    let mut text = String::new();
    for character in pattern.chars() {
        match character {
            '*' => text.push_str(dice.pick::<&str>(&FILLINGS)),
            '?' => text.push(*dice.pick(&['i', 'x', '-', 'p'])),
            literal => text.push(literal),
        }
    }
    text
}

/// Requests that the permissions allow. `scopes` are what they were compiled from.
pub fn requests(permissions: &str, scopes: &[Value], policies: &[Value], seed: u64) -> Vec<Request> {
    let mut dice = Dice(seed);
    let document: Value = serde_json::from_str(permissions).unwrap();
    let prepared = Prepared::new(&Policy::read(permissions).unwrap());
    let expanded = |texts: &[String]| -> Vec<String> { texts.iter().flat_map(|text| actions(text)).collect() };
    let statements = document["Statement"].as_array().unwrap();
    let wanted: Vec<(Vec<String>, Vec<String>)> = statements
        .iter()
        .map(|statement| (expanded(&strings(&statement["Action"])), strings(&statement["Resource"])))
        .collect();
    let rules: Vec<&Value> = policies
        .iter()
        .flat_map(|policy| [&policy["allow"], &policy["deny"]])
        .filter_map(Value::as_array)
        .flatten()
        .collect();
    let filled = |text: &String| text.replace("${namespace}", "shop").replace("${name}", "orders");
    let borders: Vec<String> =
        rules.iter().flat_map(|rule| strings(&rule["resources"])).map(|text| filled(&text)).collect();
    let named: Vec<String> = rules.iter().flat_map(|rule| expanded(&strings(&rule["actions"]))).collect();
    let keys = keys(scopes.iter().chain(rules.iter().copied()));
    let mut found = Vec::new();
    for _ in 0..TRIED {
        let (actions, resources) = dice.pick(&wanted).clone();
        // At times in the words of the rules, which may lie on a border.
        let actions = if dice.roll(8) == 0 && !named.is_empty() { &named } else { &actions };
        let resources = if dice.roll(3) == 0 && !borders.is_empty() { &borders } else { &resources };
        let (action, resource) = (dice.pick(actions).clone(), dice.pick(resources).clone());
        let mut request = Request { action, resource: fill(&resource, &mut dice), ..Request::default() };
        for (key, values) in &keys {
            match dice.roll(8) {
                0 => {}
                1 => {
                    let several = (0..=dice.roll(2)).map(|_| value(values, &mut dice)).collect();
                    request.context.set_list(key, several);
                }
                2 => request.context.set(key, *dice.pick::<&str>(&VALUES)),
                _ => request.context.set(key, value(values, &mut dice)),
            }
        }
        if alone(&prepared, &request).outcome == Outcome::Allowed {
            found.push(request);
        }
    }
    found
}

/// A value that a condition names, or one that it matches.
fn value(values: &[String], dice: &mut Dice) -> String {
    let text = dice.pick(values).replace("${namespace}", "shop");
    match text.split_once('/') {
        Some((network, length)) if length.parse::<u8>().is_ok() => network.to_owned(),
        _ if text.contains('*') => fill(&text, dice),
        _ => text,
    }
}
