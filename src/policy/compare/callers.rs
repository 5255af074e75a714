//! One caller for each way in which statements are about callers.

use super::bits::Bits;
use super::budget::{Budget, Exhausted};
use super::glob::{Glob, Sign, classes};
use super::ground::Ground;
use super::principals::{About, Name, Parsed, Who};
use super::test::{Literal, Test};
use super::values::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One caller for all that are alike to every statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    /// As a request names it; nothing where policies do not tell callers apart.
    pub(super) principal: Option<String>,
    /// The statements that may be about it, and those of which that is not certain.
    pub(super) statements: Bits,
    pub(super) doubtful: Bits,
    /// The keys that follow from who it is.
    pub(super) keys: BTreeMap<&'static str, Value>,
}

/// A caller of the resource's own account of whom no more is known.
pub(super) fn unnamed(ground: &Ground) -> Caller {
    let about = |is: &dyn Fn(About) -> bool| {
        let parts = ground.statements.iter().enumerate();
        parts.filter(|(_, part)| is(part.who.about_unnamed())).map(|(index, _)| index).collect()
    };
    Caller {
        statements: about(&|about| about != About::No),
        doubtful: about(&|about| about == About::Perhaps),
        ..Caller::default()
    }
}

/// One caller for each way in which statements are about callers.
pub(super) fn callers(
    ground: &Ground,
    fixed: &BTreeMap<String, Value>,
    budget: &Budget,
) -> Result<Vec<Caller>, Exhausted> {
    let (account, other) = (unnamed_account(ground), unnamed_name(ground));
    let mut texts = BTreeSet::from(["*".to_owned(), format!("{other}.amazonaws.com")]);
    texts.insert(format!("arn:aws:iam::{account}:role/{other}"));
    texts.insert(format!("arn:aws:iam::{account}:oidc-provider/{other}.example"));
    for part in &ground.statements {
        if let Who::Named { names, .. } = &part.who {
            for name in names {
                name.callers(&other, &mut texts);
            }
        }
    }
    let accounts: BTreeSet<String> =
        texts.iter().filter_map(|text| Parsed::of(text).account.map(str::to_owned)).collect();
    for account in accounts.iter().map(String::as_str).chain(one_of(fixed, "aws:principalaccount")) {
        texts.insert(format!("arn:aws:iam::{account}:root"));
        texts.insert(format!("arn:aws:iam::{account}:role/{other}"));
        texts.insert(format!("arn:aws:iam::{account}:user/{}", one_of(fixed, "aws:username").unwrap_or(&other)));
        texts.insert(format!("arn:aws:sts::{account}:federated-user/{other}"));
    }
    texts.extend(told_apart_by_conditions(ground, &texts, budget)?);
    budget.spend(texts.len() * ground.statements.len())?;
    let keys_matter = ground.tests.iter().any(|test| KEYS.contains(&test.key.as_str()));
    let mut found: Vec<Caller> = Vec::new();
    for text in texts {
        let mut caller = Caller { keys: Parsed::of(&text).keys(), ..Caller::default() };
        for (index, part) in ground.statements.iter().enumerate() {
            let about = part.who.about(&text);
            if about != About::No {
                caller.statements.insert(index);
            }
            if about == About::Perhaps {
                caller.doubtful.insert(index);
            }
        }
        caller.principal = Some(text);
        let is_same = |known: &Caller| known.statements == caller.statements && known.doubtful == caller.doubtful;
        if keys_matter || !found.iter().any(is_same) {
            found.push(caller);
        }
    }
    Ok(found)
}

fn one_of<'a>(fixed: &'a BTreeMap<String, Value>, key: &str) -> Option<&'a str> {
    if let Some(Value::One(value)) = fixed.get(key) { Some(value) } else { None }
}

/// The keys that follow from the caller.
const KEYS: [&str; 4] = ["aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:username"];

/// A name that stands in no principal of the policies.
fn unnamed_name(ground: &Ground) -> String {
    let mut longest = 0;
    for part in &ground.statements {
        let Who::Named { names, .. } = &part.who else { continue };
        let runs = names.iter().filter_map(|name| match name {
            Name::Everyone | Name::Account(_) => None,
            Name::Role { name: text, .. }
            | Name::Session { arn: text, .. }
            | Name::Arn { arn: text, .. }
            | Name::Service(text)
            | Name::Federated(text)
            | Name::Canonical(text)
            | Name::Nothing(text) => text.split(|character| character != 'x').map(str::len).max(),
        });
        longest = runs.fold(longest, usize::max);
    }
    "x".repeat(longest + 1)
}

/// A number that no statement mentions.
fn unnamed_account(ground: &Ground) -> String {
    let mut named = BTreeSet::new();
    for part in &ground.statements {
        let Who::Named { names, .. } = &part.who else { continue };
        named.extend(names.iter().filter_map(|name| match name {
            Name::Account(account)
            | Name::Role { account, .. }
            | Name::Session { account, .. }
            | Name::Arn { account, .. } => Some(account.as_str()),
            _ => None,
        }));
    }
    let numbers = (0..=named.len() as u64).map(|step| format!("{:012}", 999_988_887_777 - step));
    numbers.into_iter().find(|number| !named.contains(number.as_str())).unwrap_or_default()
}

/// Roles and users that conditions on their ARNs and accounts tell apart.
fn told_apart_by_conditions(
    ground: &Ground,
    texts: &BTreeSet<String>,
    budget: &Budget,
) -> Result<Vec<String>, Exhausted> {
    let of_key = |key: &str| ground.tests.iter().filter(|test| test.key == key).collect::<Vec<_>>();
    let of_arn = of_key("aws:principalarn");
    let others: usize = KEYS.iter().skip(1).map(|key| of_key(key).len()).sum();
    if of_arn.is_empty() && others == 0 {
        return Ok(Vec::new());
    }
    let globs = |tests: &[&Test]| {
        let literals = tests.iter().filter_map(|test| test.rule.as_ref()).flat_map(|rule| &rule.literals);
        literals.filter_map(Literal::glob).cloned().collect::<Vec<_>>()
    };
    let mut all: Vec<Glob> = globs(&of_arn);
    // An account is told apart as a piece of the ARN, a name as its end.
    let within =
        |before: &str, glob: &Glob, after: &str| Glob::of([&signs(before), glob.signs(), &signs(after)].concat());
    all.extend(globs(&of_key("aws:principalaccount")).iter().map(|glob| within("arn:+:+::", glob, ":*")));
    all.extend(globs(&of_key("aws:username")).iter().map(|glob| within("arn:+:iam::+:user/", glob, "")));
    all.extend(texts.iter().filter(|text| text.starts_with("arn:")).map(|text| Glob::text(text)));
    let accounts: BTreeSet<&str> = texts.iter().filter_map(|text| Parsed::of(text).account).collect();
    all.extend(accounts.iter().map(|account| within("arn:+:+::", &Glob::text(account), ":*")));
    let frames = ["iam::#:role/?*", "iam::#:user/?*", "iam::#:root", "sts::#:federated-user/?*"];
    let frames = frames.map(|rest| Glob::of(signs(&format!("arn:aws+:{rest}"))));
    all.extend(frames.clone());
    all.sort_unstable();
    all.dedup();
    let refs: Vec<&Glob> = all.iter().collect();
    let is_framed = |text: &String| frames.iter().any(|frame| frame.matches(text));
    Ok(classes(&refs, budget)?.into_iter().map(|class| class.example).filter(is_framed).collect())
}

/// The signs of a text in which `+` is any text within a segment, `#` the number of an account, and
/// `?` and `*` are wildcards.
fn signs(text: &str) -> Vec<Sign> {
    let mut signs = Vec::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '+' => signs.push(Sign::Star { bound: true }),
            '#' => signs.extend([Sign::Digit; 12]),
            '?' => signs.push(Sign::Any { bound: false }),
            '*' => signs.push(Sign::Star { bound: false }),
            other => signs.push(Sign::Char(other)),
        }
    }
    signs
}
