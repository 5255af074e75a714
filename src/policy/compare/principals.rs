//! Callers, and which statements of a resource's policy are about them.

use super::super::statement::{self, Principal};
use super::bits::Bits;
use super::budget::{Budget, Exhausted};
use super::glob::{Glob, Sign, classes};
use super::ground::Ground;
use super::test::Literal;
use super::values::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// The caller, whoever it is: the policy is the caller's own.
    Caller,
    /// Nobody: the statement of a resource without a principal.
    Nobody,
    /// The principals that it names, or all others.
    Named { negated: bool, names: BTreeSet<Name> },
}

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Name {
    Everyone,
    /// An account, by its number or by the ARN of its root.
    Account(String),
    /// A role, whatever its path: sessions do not show that.
    Role {
        account: String,
        name: String,
    },
    /// A session of a role.
    Session {
        account: String,
        role: String,
        arn: String,
    },
    /// A user or something else with an ARN.
    Arn {
        account: String,
        arn: String,
    },
    /// A service.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// The canonical number of an account: which account that is, nobody says.
    Canonical(String),
    /// Something that no caller is.
    Nothing(String),
}

/// Whether a statement is about a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    No,
    Perhaps,
    Yes,
}

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

impl Who {
    pub(super) fn of(principal: Option<&Principal>) -> Self {
        let Some(Principal { negated, who }) = principal else { return Self::Nobody };
        let names = match who {
            statement::Who::Everyone => BTreeSet::from([Name::Everyone]),
            statement::Who::Named(named) => {
                named.iter().flat_map(|(kind, texts)| texts.iter().map(|text| Name::of(kind, text))).collect()
            }
        };
        Self::Named { negated: *negated, names }
    }

    /// Whether it is about a caller of the resource's own account of whom no more is known.
    fn about_unnamed(&self) -> About {
        let (negated, names) = match self {
            Self::Caller => return About::Yes,
            Self::Nobody => return About::No,
            Self::Named { negated, names } => (*negated, names),
        };
        let is_other = |name: &Name| matches!(name, Name::Service(_) | Name::Federated(_));
        match (names.contains(&Name::Everyone), names.iter().all(is_other)) {
            (true, _) => {
                if negated {
                    About::Perhaps
                } else {
                    About::Yes
                }
            }
            (false, true) => {
                if negated {
                    About::Yes
                } else {
                    About::No
                }
            }
            (false, false) => About::Perhaps,
        }
    }

    fn about(&self, caller: &str) -> About {
        let Self::Named { negated, names } = self else {
            return if *self == Self::Caller { About::Yes } else { About::No };
        };
        let caller = Parsed::of(caller);
        if !negated {
            return names.iter().map(|name| name.fits(&caller)).max_by_key(|about| *about as u8).unwrap_or(About::No);
        }
        let named = |is: &dyn Fn(&Name) -> bool| names.iter().any(is);
        if names.contains(&Name::Everyone) {
            return About::No;
        }
        // AWS excepts for certain whom the list names with all that stands above it, and certainly
        // not whom it does not name.
        let account = named(&|name| matches!(name, Name::Account(own) if Some(own.as_str()) == caller.account));
        let itself = named(&|name| !matches!(name, Name::Account(_)) && name.fits(&caller) == About::Yes);
        let perhaps = named(&|name| name.fits(&caller) == About::Perhaps);
        let role = caller.session.is_none()
            || named(&|name| matches!(name, Name::Role { .. }) && name.fits(&caller) == About::Yes);
        let session = caller.session.is_none()
            || named(&|name| matches!(name, Name::Session { .. }) && name.fits(&caller) == About::Yes);
        match (itself, caller.account) {
            (false, _) if perhaps => About::Perhaps,
            (false, _) => About::Yes,
            (true, None) => About::No,
            (true, Some(_)) if account && role && session => About::No,
            (true, Some(_)) => About::Perhaps,
        }
    }
}

impl Name {
    fn of(kind: &str, text: &str) -> Self {
        match kind {
            "AWS" if text == "*" => Self::Everyone,
            "AWS" if is_account(text) => Self::Account(text.to_owned()),
            "AWS" => {
                let parsed = Parsed::of(text);
                let Some(account) = parsed.account.map(str::to_owned) else { return Self::Nothing(text.to_owned()) };
                match (parsed.role, parsed.session) {
                    (Some(role), Some(_)) => Self::Session { account, role: role.to_owned(), arn: text.to_owned() },
                    (Some(role), None) => Self::Role { account, name: role.to_owned() },
                    _ if text.ends_with(":root") => Self::Account(account),
                    _ => Self::Arn { account, arn: text.to_owned() },
                }
            }
            "Service" => Self::Service(text.to_owned()),
            "Federated" => Self::Federated(text.to_owned()),
            _ => Self::Canonical(text.to_owned()),
        }
    }

    fn fits(&self, caller: &Parsed<'_>) -> About {
        let is = |fits: bool| if fits { About::Yes } else { About::No };
        match self {
            Self::Everyone => About::Yes,
            Self::Account(own) => is(caller.account == Some(own)),
            Self::Role { account, name } => is(caller.account == Some(account) && caller.role == Some(name)),
            // A session of the role, but which?
            Self::Session { account, role, .. } if caller.session.is_none() && caller.role.is_some() => {
                let same = caller.account == Some(account) && caller.role == Some(role);
                if same { About::Perhaps } else { About::No }
            }
            Self::Session { arn, .. } | Self::Arn { arn, .. } => is(caller.text == arn),
            Self::Service(name) | Self::Federated(name) if name == "*" => {
                if caller.account.is_none() && caller.text != "*" { About::Perhaps } else { About::No }
            }
            Self::Service(name) => is(caller.text == name && !name.starts_with("arn:")),
            Self::Federated(name) => is(caller.text == name),
            Self::Nothing(_) => About::No,
            Self::Canonical(_) => {
                if caller.account.is_some() {
                    About::Perhaps
                } else {
                    About::No
                }
            }
        }
    }

    /// Callers that it may be about: as requests name them.
    fn callers(&self, other: &str, into: &mut BTreeSet<String>) {
        match self {
            Self::Everyone | Self::Canonical(_) | Self::Nothing(_) => {}
            Self::Account(account) => {
                into.insert(format!("arn:aws:iam::{account}:role/{other}"));
            }
            Self::Role { account, name } => {
                into.insert(format!("arn:aws:iam::{account}:role/{name}"));
            }
            Self::Session { account, role, arn } => {
                into.insert(arn.clone());
                into.insert(format!("arn:aws:sts::{account}:assumed-role/{role}/{other}"));
            }
            Self::Arn { arn, .. } => {
                into.insert(arn.clone());
            }
            Self::Service(name) | Self::Federated(name) => {
                into.insert(name.clone());
            }
        }
    }
}

/// The text of a principal, taken apart.
struct Parsed<'a> {
    text: &'a str,
    /// Nothing for services, providers and anonymous callers.
    account: Option<&'a str>,
    role: Option<&'a str>,
    session: Option<&'a str>,
    user: Option<&'a str>,
}

impl<'a> Parsed<'a> {
    fn of(text: &'a str) -> Self {
        let mut parsed = Self { text, account: None, role: None, session: None, user: None };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", _, service, _, account, resource] = parts.as_slice() else { return parsed };
        let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
        if matches!(kind, "oidc-provider" | "saml-provider") {
            return parsed;
        }
        parsed.account = Some(account);
        let last = rest.rsplit('/').next();
        match (*service, kind) {
            ("iam", "role") => parsed.role = last,
            ("iam", "user") => parsed.user = last,
            ("sts", "assumed-role") => (parsed.role, parsed.session) = (rest.split('/').next(), Some(rest)),
            _ => {}
        }
        parsed
    }

    /// The keys of a request by this caller that follow from who it is.
    fn keys(&self) -> BTreeMap<&'static str, Value> {
        let one = |text: &str| Value::One(text.to_owned());
        let arn = match (self.account, self.role, self.session) {
            (Some(account), Some(role), Some(_)) => {
                let partition = self.text.split(':').nth(1).unwrap_or("aws");
                Some(format!("arn:{partition}:iam::{account}:role/{role}"))
            }
            (Some(_), ..) => Some(self.text.to_owned()),
            _ => None,
        };
        let kind = match (self.text, self.role, self.user) {
            ("*", ..) => Some("Anonymous"),
            (_, Some(_), _) => Some("AssumedRole"),
            (_, _, Some(_)) => Some("User"),
            _ if self.text.contains(":federated-user/") => Some("FederatedUser"),
            _ if self.text.ends_with(":root") => Some("Account"),
            _ => None,
        };
        let or_absent = |text: Option<&str>| text.map_or(Value::Absent, one);
        BTreeMap::from([
            ("aws:principalarn", or_absent(arn.as_deref())),
            ("aws:principalaccount", or_absent(self.account)),
            ("aws:principaltype", or_absent(kind)),
            ("aws:username", or_absent(self.user)),
        ])
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
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
    let globs = |tests: &[&super::test::Test]| {
        let literals = tests.iter().filter_map(|test| test.rule.as_ref()).flat_map(|rule| rule.literals.clone());
        literals
            .filter_map(|literal| if let Literal::Text(text) = literal { Some(text.glob) } else { None })
            .collect::<Vec<_>>()
    };
    let mut all: Vec<Glob> = globs(&of_arn);
    // An account is told apart as a piece of the ARN, a name as its end.
    let within = |before: &str, glob: &Glob, after: &str| {
        let text = |text: &str| {
            text.chars()
                .map(|character| if character == '+' { Sign::Star { bound: true } } else { Sign::Char(character) })
                .collect::<Vec<_>>()
        };
        let star = vec![Sign::Star { bound: false }];
        let end = if after.is_empty() { Vec::new() } else { [text(after), star].concat() };
        Glob::of([text(before), glob.signs().to_vec(), end].concat())
    };
    all.extend(globs(&of_key("aws:principalaccount")).iter().map(|glob| within("arn:+:+::", glob, ":")));
    all.extend(globs(&of_key("aws:username")).iter().map(|glob| within("arn:+:iam::+:user/", glob, "")));
    all.extend(texts.iter().filter(|text| text.starts_with("arn:")).map(|text| Glob::text(text)));
    let accounts: BTreeSet<&str> = texts.iter().filter_map(|text| Parsed::of(text).account).collect();
    all.extend(accounts.iter().map(|account| within("arn:+:+::", &Glob::text(account), ":")));
    let frames = ["iam::#:role/?*", "iam::#:user/?*", "iam::#:root", "sts::#:federated-user/?*"].map(framed);
    all.extend(frames.clone());
    all.sort_unstable();
    all.dedup();
    let refs: Vec<&Glob> = all.iter().collect();
    let is_framed = |text: &String| frames.iter().any(|frame| frame.matches(text));
    Ok(classes(&refs, budget)?.into_iter().map(|class| class.example).filter(is_framed).collect())
}

/// The ARNs of one sort of callers in any partition: `#` stands for the number of an account.
fn framed(rest: &str) -> Glob {
    let mut signs: Vec<Sign> = "arn:aws".chars().map(Sign::Char).collect();
    signs.extend([Sign::Star { bound: true }, Sign::Char(':')]);
    for character in rest.chars() {
        match character {
            '#' => signs.extend([Sign::Digit; 12]),
            '?' => signs.push(Sign::Any { bound: false }),
            '*' => signs.push(Sign::Star { bound: false }),
            other => signs.push(Sign::Char(other)),
        }
    }
    Glob::of(signs)
}
