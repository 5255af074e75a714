//! One direction: a request that one side allows and the other does not.

use super::super::catalogue::{AccessLevel, Action, Catalogue, Service};
use super::super::request::Request;
use super::actions::{ActionClass, Actions};
use super::arns::{ArnClass, Question, arn_classes, star_class};
use super::bits::Bits;
use super::budget::{Budget, Exhausted};
use super::callers::{Caller, callers, unnamed};
use super::conditions::{Conditions, Context, Found, Settled};
use super::formula::{Allows, Formula};
use super::frame::{self, is_well_formed};
use super::glob::Glob;
use super::ground::{Ground, Part};
use super::hash::{Map, Set};
use super::test::Literal;
use super::values::Value;
use crate::names::is_account_id;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is asked, and of what.
pub(super) struct Hunt<'a> {
    pub(super) ground: &'a Ground,
    pub(super) from: &'a Formula,
    pub(super) to: &'a Formula,
    pub(super) catalogue: &'a Catalogue,
    pub(super) budget: &'a Budget,
    /// Whether policies of resources alone are compared: then callers are told apart.
    pub(super) named: bool,
    /// Whether to go on after the first witness: one for each level of access to each service.
    pub(super) thorough: bool,
    /// Keys that have one value because variables stand for it.
    pub(super) fixed: &'a BTreeMap<String, Value>,
    /// Whether the evaluator allows a request by `from` and not by `to`.
    pub(super) replays: &'a dyn Fn(&Request) -> bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// A request that replays; the best by domain: of the catalogue, else well formed, else any.
    pub(super) witness: Option<Witness>,
    /// Witnesses of the catalogue, one for each kind of access, if all were asked for.
    pub(super) changes: Vec<Request>,
    /// A request that may be one.
    pub(super) candidate: Option<Request>,
    /// Values of a key were left out.
    pub(super) incomplete: bool,
    /// The work ended before everything was looked at.
    pub(super) exhausted: bool,
    /// The work ended before the catalogue was looked at.
    pub(super) catalogue_exhausted: bool,
}

/// A request with the narrowest domain that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) request: Request,
    pub(super) rank: Rank,
}

/// The domains from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Pattern,
    WellFormed,
    Catalogue,
}

/// A request that is looked for: which statements may match, and where.
struct Aim<'s> {
    class: &'s ActionClass,
    action: &'s str,
    caller: &'s Caller,
    service: &'s str,
    /// Whether the action is of the catalogue; then only the resources of one type are looked at.
    known: bool,
    /// What those look like; nothing for `*`.
    within: Option<&'s [Glob; 6]>,
}

type Memory = Map<(Bits, Bits, String, usize), Context>;

struct Chase<'a> {
    hunt: &'a Hunt<'a>,
    wanted: Bits,
    callers: Rc<[Caller]>,
    conditions: Conditions<'a>,
    actions: Rc<Actions<'a>>,
    accounts: Vec<Glob>,
    memory: Memory,
    findings: Findings,
}

impl Hunt<'_> {
    /// Looks at every class of requests until a witness of the catalogue is found.
    pub(super) fn run(&self) -> Findings {
        let wanted = self.wanted();
        let mut findings = Findings::default();
        if wanted.is_empty() {
            return findings;
        }
        let callers =
            if self.named { callers(self.ground, self.fixed, self.budget) } else { Ok(vec![unnamed(self.ground)]) };
        let Ok(callers) = callers else {
            findings.exhausted = true;
            return findings;
        };
        let mut chase = Chase {
            hunt: self,
            wanted,
            callers: callers.into(),
            conditions: Conditions::new(self.ground, self.catalogue, self.budget),
            actions: Rc::new(Actions::of(self.ground)),
            accounts: accounts(self.ground, self.fixed),
            memory: Map::default(),
            findings,
        };
        if chase.all().is_err() {
            chase.findings.exhausted = true;
        }
        chase.findings
    }

    /// The statements that may let `from` allow more: those that the other side does not have too.
    fn wanted(&self) -> Bits {
        let allowing = self.from.allowing();
        if !self.from.is_plain() || !self.to.is_plain() {
            return allowing;
        }
        let parts =
            |bits: Bits| bits.iter().filter_map(|index| self.ground.statements.get(index)).collect::<Set<&Part>>();
        let (denied, also_allowed) = (parts(self.from.deny), parts(self.to.allowing()));
        let keeps = |part: &Part, kept: &Set<&Part>| !part.undecided && kept.contains(part);
        if !parts(self.to.deny).iter().all(|part| keeps(part, &denied)) {
            return allowing;
        }
        let is_new = |index: &usize| self.ground.statements.get(*index).is_some_and(|part| !keeps(part, &also_allowed));
        allowing.iter().filter(is_new).collect()
    }

    /// Whether the statements that match an action show already that nothing is new: each that
    /// allows has one on the other side that allows more, and each that denies there denies here.
    fn is_discharged(&self, statements: Bits, wanted: Bits) -> bool {
        if !self.from.is_plain() || !self.to.is_plain() {
            return false;
        }
        let covered = |index: usize, by: Bits| {
            let Some(part) = self.ground.statements.get(index) else { return false };
            by.and(statements)
                .iter()
                .filter_map(|other| self.ground.statements.get(other))
                .any(|other| other.covers(part))
        };
        self.to.deny.and(statements).iter().all(|index| covered(index, self.from.deny))
            && wanted.and(statements).iter().all(|index| covered(index, self.to.allowing()))
    }

    /// Whether `from` may allow and `to` may not, conditions apart.
    fn is_possible(&self, statements: Bits, doubtful: Bits) -> bool {
        let conditional = |index: &usize| {
            self.ground.statements.get(*index).is_none_or(|part| part.undecided || !part.tests.is_empty())
        };
        let open: Bits = statements.iter().filter(conditional).collect();
        let sure = statements.minus(open).minus(doubtful);
        self.from.allows(sure, statements) != Allows::No && self.to.allows(sure, statements) != Allows::Yes
    }
}

impl Part {
    /// Whether it applies wherever another does, actions apart.
    fn covers(&self, other: &Self) -> bool {
        let resources = match (&self.resource, &other.resource) {
            (None, _) => true,
            (Some(own), Some(other)) => own.covers(other),
            (Some(_), None) => false,
        };
        !self.undecided
            && !other.undecided
            && resources
            && self.who == other.who
            && self.tests.iter().all(|test| other.tests.binary_search(test).is_ok())
    }
}

/// The texts that conditions on the account of the resource compare it with: none if there are no
/// such conditions. An account in an ARN is the key's value; another text there is not.
fn accounts(ground: &Ground, fixed: &BTreeMap<String, Value>) -> Vec<Glob> {
    let mut accounts = Vec::new();
    if let Some(Value::One(value)) = fixed.get(RESOURCE_ACCOUNT) {
        accounts.push(Glob::text(value));
    }
    for test in ground.tests.iter().filter(|test| test.key == RESOURCE_ACCOUNT) {
        accounts.push(frame::account());
        let literals = test.rule.iter().flat_map(|rule| &rule.literals);
        accounts.extend(literals.filter_map(Literal::glob).cloned());
    }
    accounts
}

const RESOURCE_ACCOUNT: &str = "aws:resourceaccount";

impl Chase<'_> {
    fn all(&mut self) -> Result<(), Exhausted> {
        for class in self.actions.classes(self.wanted, self.hunt.budget)? {
            let named = class.statements.iter().count();
            self.hunt.budget.spend(20 + named * (named + self.hunt.ground.arns.len()) / 8)?;
            if self.hunt.is_discharged(class.statements, self.wanted) {
                continue;
            }
            self.class(&class)?;
            if self.is_done() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        !self.hunt.thorough && self.findings.witness.as_ref().is_some_and(|witness| witness.rank == Rank::Catalogue)
    }

    /// Looks at one class of actions: at all resources first, then at those that its actions have.
    fn class(&mut self, class: &ActionClass) -> Result<(), Exhausted> {
        let service = class.example.split(':').next().unwrap_or_default().to_owned();
        let (callers, mut found) = (Rc::clone(&self.callers), false);
        for (number, caller) in callers.iter().enumerate() {
            let aim = Aim { class, action: &class.example, caller, service: &service, known: false, within: None };
            found |= self.aim(&aim, number)?;
            if self.is_done() {
                return Ok(());
            }
        }
        if found && self.known_actions(class).is_err() {
            self.findings.catalogue_exhausted = true;
        }
        Ok(())
    }

    /// Looks at the actions of the catalogue, each on the resources that it acts on.
    fn known_actions(&mut self, class: &ActionClass) -> Result<(), Exhausted> {
        let (actions, hunt) = (Rc::clone(&self.actions), self.hunt);
        let mut seen: Set<(Vec<&str>, bool, AccessLevel, &str)> = Set::default();
        actions.known(class, hunt.catalogue, hunt.budget, &mut |service, action| {
            // Actions of one class that act on the same resources are alike.
            let mut templates: Vec<&str> = service.resources_of(action).map(|(kind, _)| kind.arn).collect();
            templates.sort_unstable();
            let required = service.resources_of(action).any(|(_, required)| required);
            if seen.insert((templates, required, action.level, service.prefix)) {
                self.known_action(class, service, action)?;
            }
            Ok(self.is_done())
        })
    }

    fn known_action(&mut self, class: &ActionClass, service: &Service, action: &Action) -> Result<(), Exhausted> {
        self.hunt.budget.spend(100 + 100 * service.resources_of(action).count())?;
        let name = format!("{}:{}", service.prefix, action.name);
        let mut uses: Vec<_> = service.resources_of(action).collect();
        // The plainest resource first.
        uses.sort_by_key(|(kind, _)| kind.arn.len());
        let star = uses.iter().all(|(_, required)| !required);
        let frames: Vec<[Glob; 6]> = uses.iter().filter_map(|(kind, _)| frame::of_template(kind.arn)).collect();
        let callers = Rc::clone(&self.callers);
        for (number, caller) in callers.iter().enumerate() {
            for within in frames.iter().map(Some).chain(star.then_some(None)) {
                let aim = Aim { class, action: &name, caller, service: service.prefix, known: true, within };
                let found = self.aim(&aim, number)?;
                if self.is_done() || found && self.hunt.thorough {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Looks at the resources for an action and a caller; whether a witness was found.
    fn aim(&mut self, aim: &Aim<'_>, caller: usize) -> Result<bool, Exhausted> {
        let hunt = self.hunt;
        let statements = aim.class.statements.and(aim.caller.statements);
        if !statements.meets(self.wanted) || !hunt.is_possible_for_some(statements) {
            return Ok(false);
        }
        let question = Question {
            ground: hunt.ground,
            statements,
            wanted: self.wanted,
            accounts: &self.accounts,
            within: aim.within,
            service: aim.service,
        };
        let mut resources: Vec<ArnClass> = Vec::new();
        if aim.within.is_none() {
            resources.extend(star_class(&question));
        }
        if aim.within.is_some() || !aim.known {
            resources.extend(arn_classes(&question, hunt.budget)?);
        }
        let mut any = false;
        for resource in resources {
            if !hunt.is_possible(resource.statements, aim.caller.doubtful) {
                continue;
            }
            let Some(found) = self.context(aim, caller, &resource)? else { continue };
            any |= self.found(aim, &resource, &found);
            if self.is_done() {
                break;
            }
        }
        Ok(any)
    }

    /// A context for a resource. What was found for the same statements once is not looked for again.
    fn context(&mut self, aim: &Aim<'_>, caller: usize, resource: &ArnClass) -> Result<Option<Found>, Exhausted> {
        let of_account = if self.accounts.is_empty() { String::new() } else { resource.account.clone() };
        let question = (resource.statements, aim.caller.doubtful, of_account, caller);
        let context = if let Some(known) = self.memory.get(&question) {
            known.clone()
        } else {
            let context = self.searched(aim, resource)?;
            self.memory.insert(question, context.clone());
            context
        };
        Ok(match context {
            Context::None => None,
            Context::Incomplete => {
                self.findings.incomplete = true;
                None
            }
            Context::Found(found) => Some(found),
        })
    }

    fn searched(&self, aim: &Aim<'_>, resource: &ArnClass) -> Result<Context, Exhausted> {
        let account = is_account_id(&resource.account).then(|| Value::One(resource.account.clone()));
        let own = aim.caller.keys.iter().map(|(key, value)| (*key, value));
        let own = own.chain(account.as_ref().map(|account| (RESOURCE_ACCOUNT, account)));
        // What is tried for a variable must not contradict who calls and what is asked for.
        if own.clone().any(|(key, value)| self.hunt.fixed.get(key).is_some_and(|fixed| fixed != value)) {
            return Ok(Context::None);
        }
        let fixed = self.hunt.fixed.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let mut keys: BTreeMap<&str, Value> = fixed.collect();
        keys.extend(own.map(|(key, value)| (key, value.clone())));
        let settled = Settled { statements: resource.statements, doubtful: aim.caller.doubtful, keys };
        self.conditions.search(&settled, self.hunt.from, self.hunt.to)
    }

    /// Asks the evaluator about a request that was found; whether it agrees.
    fn found(&mut self, aim: &Aim<'_>, resource: &ArnClass, found: &[(String, Value)]) -> bool {
        let request = self.request(aim, resource, found);
        if !(self.hunt.replays)(&request) {
            self.findings.candidate.get_or_insert(request);
            return false;
        }
        let rank = match (aim.known, is_well_formed(&request.resource)) {
            (true, _) => Rank::Catalogue,
            (false, true) => Rank::WellFormed,
            (false, false) => Rank::Pattern,
        };
        if self.hunt.thorough && aim.known {
            self.findings.changes.push(request.clone());
        }
        if self.findings.witness.as_ref().is_none_or(|known| known.rank < rank) {
            self.findings.witness = Some(Witness { request, rank });
        }
        true
    }

    fn request(&self, aim: &Aim<'_>, resource: &ArnClass, found: &[(String, Value)]) -> Request {
        let mut request = Request {
            action: aim.action.to_owned(),
            resource: resource.example.clone(),
            principal: aim.caller.principal.clone(),
            ..Request::default()
        };
        for (key, value) in self.hunt.fixed {
            set(&mut request, key, value);
        }
        for (key, value) in found {
            let key = self.hunt.ground.spellings.get(key).unwrap_or(key);
            set(&mut request, key, value);
        }
        request
    }
}

fn set(request: &mut Request, key: &str, value: &Value) {
    match value {
        Value::Absent => {}
        Value::One(value) => request.context.set(key, value.clone()),
        Value::Several(values) => request.context.set_list(key, values.clone()),
    }
}

impl Hunt<'_> {
    /// Whether resources could make a difference at all: some statement allows, and no statement
    /// about everything settles it.
    fn is_possible_for_some(&self, statements: Bits) -> bool {
        self.from.allows(Bits::default(), statements) != Allows::No
    }
}
