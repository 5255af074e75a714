//! Sentences from the groups of a policy.

use super::Sentence;
use super::act::{Act, Known, matches};
use super::atoms::{Atoms, Group};
use super::bundle::{Bundle, Contents, Lane};
use super::clauses::{Actions, Class, Clause, NAMES, Scope, Words, names};
use super::nature::Nature;
use super::phrase;
use super::place::{Ids, Patterns, Reach};
use super::sensitivity::Sensitivity;
use super::services;
use super::term::Term;
use super::who::Who;
use crate::names::Arn;
use crate::policy::catalogue::{AccessLevel, Catalogue};
use crate::policy::english::things::{Locations, Style, Things, every};
use crate::policy::english::verbs;
use crate::policy::english::words::{number, quoted, series};
use crate::policy::statement::PolicyKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many names of a kind a sentence lists.
const LISTED: usize = 8;
/// How many resources of one sentence are looked at; more are counted.
const MOST_RESOURCES: usize = 100;
/// How many clauses stand in one sentence.
const CLAUSES: usize = 3;
/// Whom a denial turns into nobody.
const EVERYBODY: &str = "everybody";
/// How many groups are said.
pub(super) const MOST_GROUPS: usize = 2_000;

/// The sentences of a policy that was taken apart.
pub(super) fn sentences<'a>(
    atoms: &mut Atoms<'a>,
    kind: Option<PolicyKind>,
    catalogue: &'a Catalogue,
) -> Vec<Sentence> {
    let groups = std::mem::take(&mut atoms.groups);
    let idle = std::mem::take(&mut atoms.idle);
    let locations = locations(&groups, &atoms.patterns);
    let (patterns, nature) = (&atoms.patterns, &mut atoms.nature);
    let mut writer =
        Writer { catalogue, kind, locations, patterns, nature, cuts: BTreeMap::new(), things: HashMap::new() };
    let mut said = Vec::new();
    let mut bundles: BTreeMap<Bundle<'_>, Contents<'_>> = BTreeMap::new();
    for group in &groups {
        let bundle = Bundle { allows: group.allows, terms: &group.terms, who: &group.who };
        bundles.entry(bundle).or_default().add(group);
    }
    for (bundle, contents) in bundles {
        writer.bundle(&bundle, contents, &mut said);
    }
    for group in &idle {
        writer.idle(group, &mut said);
    }
    said
}

/// Whether regions and accounts tell the resources of a policy apart.
fn locations(groups: &[Group<'_>], patterns: &Patterns) -> Locations {
    let (mut regions, mut accounts) = (BTreeSet::new(), BTreeSet::new());
    let ids: BTreeSet<usize> = groups
        .iter()
        .flat_map(|group| match &group.reach {
            Reach::Some(ids) | Reach::AllBut(ids) => ids.iter().copied(),
            Reach::Own | Reach::All => [].iter().copied(),
        })
        .collect();
    for arn in ids.into_iter().filter_map(|id| Arn::parse(patterns.text(id)).ok()) {
        if !arn.region().contains(['*', '?', '$']) && !arn.region().is_empty() {
            regions.insert(arn.region().to_owned());
        }
        if arn.account().bytes().all(|byte| byte.is_ascii_digit()) && !arn.account().is_empty() {
            accounts.insert(arn.account().to_owned());
        }
    }
    Locations { regions: regions.len() > 1, accounts: accounts.len() > 1 }
}

struct Writer<'a, 'w> {
    catalogue: &'a Catalogue,
    kind: Option<PolicyKind>,
    locations: Locations,
    patterns: &'w Patterns,
    nature: &'w mut Nature<'a>,
    cuts: BTreeMap<Ids, Ids>,
    /// What was said before of the same things.
    things: HashMap<Said, String>,
}

/// A clause in words: how sensitive it is, and which actions it speaks of.
type Part = (Sensitivity, String, BTreeSet<&'static str>);

/// Things, and in which way they are said.
#[derive(PartialEq, Eq, Hash)]
struct Said {
    texts: BTreeSet<String>,
    kind: &'static str,
    seen: bool,
    denies: bool,
}

/// The parts of a sentence before and after what is done.
struct Frame {
    before: String,
    after: String,
    style: Style,
}

impl Frame {
    fn sentence(&self, what: &str, sensitivity: Sensitivity, service: &str) -> Sentence {
        Sentence {
            text: format!("{} {what}{}", self.before, self.after),
            sensitivity,
            service: service.to_owned(),
            denial: self.style.denies,
            future: Vec::new(),
        }
    }
}

impl<'a> Writer<'a, '_> {
    fn bundle<'g>(&mut self, bundle: &Bundle<'g>, contents: Contents<'g>, said: &mut Vec<Sentence>)
    where
        'a: 'g,
    {
        let frame = self.frame(bundle.allows, bundle.terms, bundle.who);
        for (act, reach) in &contents.sets {
            said.push(self.set(&frame, act, reach));
        }
        for ((service, reach), names) in &contents.named {
            said.push(self.named(&frame, service, reach, names));
        }
        for ((service, lane), acts) in contents.known {
            self.service(&frame, service, &lane, acts, &contents.wildcards, said);
        }
    }

    fn frame(&self, allows: bool, terms: &BTreeSet<Term>, who: &BTreeSet<Who>) -> Frame {
        let mut terms: Vec<&Term> = terms.iter().collect();
        let subject = self.subject(who, &mut terms);
        let can = if allows { "can" } else { "can never" };
        let before = match subject.as_str() {
            "" => can.to_owned(),
            EVERYBODY if !allows => "nobody can".to_owned(),
            _ => format!("{subject} {can}"),
        };
        let after = if allows { phrase::of_grant(&terms) } else { phrase::of_denial(&terms) };
        Frame { before, after, style: Style { listed: LISTED, any: true, denies: !allows } }
    }

    /// Who it is about. The subject of a token is taken out of the conditions.
    fn subject(&self, who: &BTreeSet<Who>, terms: &mut Vec<&Term>) -> String {
        let holder = who.contains(&Who::Holder);
        if holder && self.kind == Some(PolicyKind::Identity) {
            return String::new();
        }
        if holder {
            return "without a principal, and so without effect:".to_owned();
        }
        if let [issuer] = who.iter().filter_map(Who::issuer).collect::<Vec<_>>().as_slice()
            && who.len() == 1
            && let Some((at, subject)) =
                terms.iter().enumerate().find_map(|(at, term)| Some((at, phrase::token_subject(term, issuer)?)))
        {
            terms.remove(at);
            return subject;
        }
        phrase::callers(&who.iter().map(Who::words).collect::<Vec<_>>())
    }

    /// `do everything`, and what is done to all but some actions.
    fn set(&mut self, frame: &Frame, act: &Act<'_>, reach: &Reach) -> Sentence {
        let all = if frame.style.denies { "anything" } else { "everything" };
        let mut what = format!("do {all}");
        if let Act::Except(acts) = act {
            what.extend([" except ", self.exceptions(acts).as_str()]);
        }
        let where_to = match reach {
            Reach::All => String::new(),
            Reach::Own => " with this resource".to_owned(),
            Reach::Some(ids) => format!(" with {}", self.things(ids, frame.style)),
            Reach::AllBut(ids) => self.all_but(ids, frame.style),
        };
        frame.sentence(&format!("{what}{where_to}"), Sensitivity::PermissionsManagement, "")
    }

    /// What `NotAction` leaves out: whole services by their names, other actions by theirs.
    fn exceptions(&self, acts: &BTreeSet<Act<'_>>) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for known in acts.iter().filter_map(known) {
            *counts.entry(known.service.prefix).or_default() += 1;
        }
        let whole = |service: &str| {
            let all = self.catalogue.service(service).map_or(0, |service| service.actions.len());
            counts.get(service).is_some_and(|count| *count >= all)
        };
        let services: BTreeSet<String> = counts
            .keys()
            .filter(|service| whole(service))
            .map(|service| services::name(service, self.catalogue))
            .collect();
        let alone = acts.iter().filter_map(|act| match act {
            Act::Known(known) if !whole(known.service.prefix) => Some(quoted(&known.full_name())),
            Act::Named(name) => Some(quoted(name)),
            _ => None,
        });
        let alone: Vec<String> = alone.collect();
        let mut said = Vec::new();
        if !services.is_empty() {
            let services: Vec<String> = services.into_iter().collect();
            let shown = services.iter().take(NAMES).cloned().collect::<Vec<_>>();
            said.push(format!("in {}", names(&shown, services.len(), "", "and")));
        }
        if !alone.is_empty() {
            let shown = alone.iter().take(NAMES).cloned().collect::<Vec<_>>();
            said.push(names(&shown, alone.len(), "", "and"));
        }
        if said.is_empty() { "nothing".to_owned() } else { said.join(", and ") }
    }

    fn named(&mut self, frame: &Frame, service: &str, reach: &Reach, all: &[&str]) -> Sentence {
        let shown: Vec<String> = all.iter().take(NAMES).map(|name| quoted(name)).collect();
        let said = names(&shown, all.len(), "", frame.style.and());
        let on = match reach {
            Reach::All => String::new(),
            Reach::Own => format!(" on {}", own(service)),
            Reach::Some(ids) => format!(" on {}", self.things(ids, frame.style)),
            Reach::AllBut(ids) => self.all_but(ids, frame.style),
        };
        let wild: Vec<&&str> = all.iter().filter(|name| name.contains(['*', '?'])).collect();
        let sensitivity = match wild.iter().take(NAMES).map(|name| self.sensitivity(name)).min() {
            None => Sensitivity::Other,
            Some(sensitivity) if wild.len() <= NAMES => sensitivity,
            Some(_) => Sensitivity::Unknown,
        };
        frame.sentence(&format!("use {said}{on}"), sensitivity, service)
    }

    /// Of a pattern that was not, or could not be, taken apart.
    fn sensitivity(&self, name: &str) -> Sensitivity {
        let parts = name.split_once(':');
        let service = parts.and_then(|(prefix, name)| Some((self.catalogue.service(prefix)?, name)));
        let Some((service, pattern)) = service else { return Sensitivity::Unknown };
        let found = service.actions.iter().filter(|action| matches(pattern, action.name));
        found.map(|action| Sensitivity::of_known(service.prefix, action)).min().unwrap_or(Sensitivity::Other)
    }

    fn service<'g>(
        &mut self,
        frame: &Frame,
        prefix: &'static str,
        lane: &Lane,
        acts: BTreeMap<Known<'g>, Option<Ids>>,
        wildcards: &BTreeSet<&str>,
        said: &mut Vec<Sentence>,
    ) where
        'a: 'g,
    {
        let Some(service) = self.catalogue.service(prefix) else { return };
        let (mut shown, mut more) = (BTreeMap::new(), BTreeMap::new());
        for (known, ids) in acts {
            // The same action, borrowed from the catalogue for as long as it lives.
            let Some(action) = service.action(known.action.name) else { continue };
            let known = Known { service, action };
            let cut = ids.as_ref().map(|ids| self.cut(ids));
            if let (Some(all), Some(cut)) = (&ids, &cut)
                && all.len() > cut.len()
            {
                more.insert(known, all.len() - cut.len());
            }
            shown.insert(known, cut);
        }
        let actions = Actions { service, nature: &mut *self.nature, patterns: self.patterns, acts: shown, more };
        let clauses = actions.clauses();
        let mut sorted: BTreeMap<Class, Vec<Part>> = BTreeMap::new();
        for clause in clauses {
            let words = self.clause(&clause, prefix, lane, frame.style);
            sorted.entry(clause.class).or_default().push((clause.sensitivity, words, clause.actions));
        }
        let but = if let Lane::AllBut(ids) = lane { self.all_but(ids, frame.style) } else { String::new() };
        for mut clauses in sorted.into_values() {
            clauses.sort();
            let together = if clauses.len() <= CLAUSES { clauses.len() } else { 1 };
            for part in clauses.chunks(together) {
                let words: Vec<&str> = part.iter().map(|(_, words, _)| words.as_str()).collect();
                let sensitivity = part.iter().map(|(sensitivity, ..)| *sensitivity).min().unwrap_or(Sensitivity::Other);
                let what = format!("{}{but}", series(&words, frame.style.and()));
                let mut sentence = frame.sentence(&what, sensitivity, prefix);
                let actions = part.iter().flat_map(|(.., actions)| actions.iter().copied());
                sentence.future = future(prefix, &actions.collect(), wildcards);
                said.push(sentence);
            }
        }
    }

    /// The resources that are looked at.
    fn cut(&mut self, ids: &Ids) -> Ids {
        if ids.len() <= MOST_RESOURCES {
            return ids.clone();
        }
        let patterns = self.patterns;
        self.cuts.entry(ids.clone()).or_insert_with(|| patterns.first(ids, MOST_RESOURCES)).clone()
    }

    fn clause(&mut self, clause: &Clause, service: &str, lane: &Lane, style: Style) -> String {
        let name = services::name(service, self.catalogue);
        let own = match lane {
            Lane::Own => Some(own(service)),
            Lane::All if self.kind == Some(PolicyKind::Resource) && !style.denies => services::own(service),
            _ => None,
        };
        let all = if style.denies { "anything" } else { "everything" };
        let things = match (&clause.scope, own) {
            (Scope::On(_), _) if matches!(clause.words, Words::Verbs { kind: "", .. }) => String::new(),
            (Scope::On(texts), _) => self.things_of(texts, clause.more, style, &clause.words),
            (Scope::Whole, Some(own)) => own.to_owned(),
            (Scope::Whole, None) => match &clause.words {
                Words::Verbs { kind: "", .. } | Words::Names { .. } => String::new(),
                Words::Verbs { kind, .. } => every(kind, style),
                Words::Everything | Words::Levels(_) => format!("{all} in {name}"),
            },
        };
        match &clause.words {
            Words::Everything if things.starts_with(all) => format!("do {things}"),
            Words::Everything => format!("do {all} with {things}"),
            Words::Levels(levels) => {
                let verbs: Vec<&str> = levels.iter().map(|level| verbs::of_level(*level)).collect();
                format!("{} {things}", series(&verbs, style.and()))
            }
            Words::Verbs { words, .. } => {
                let words: Vec<&str> = words.iter().copied().collect();
                format!("{} {things}", series(&words, style.and())).trim_end().to_owned()
            }
            Words::Names { names: shown, all, what } => {
                let on = if things.is_empty() { String::new() } else { format!(" on {things}") };
                format!("use {}{on}", names(shown, *all, what, style.and()))
            }
        }
    }

    fn idle(&mut self, group: &Group<'_>, said: &mut Vec<Sentence>) {
        let frame = self.frame(group.allows, &group.terms, &group.who);
        let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for known in group.acts.iter().filter_map(known) {
            services.entry(known.service.prefix).or_default().push(quoted(&known.full_name()));
        }
        let Reach::Some(ids) = &group.reach else { return };
        for (service, all) in services {
            let shown: Vec<String> = all.iter().take(NAMES).cloned().collect();
            let said_names = names(&shown, all.len(), "", frame.style.and());
            let things = self.things(ids, frame.style);
            let act = if all.len() == 1 { "it acts" } else { "they act" };
            let what = format!("use {said_names} on {things}, to no effect, because {act} on other things");
            said.push(frame.sentence(&what, Sensitivity::Other, service));
        }
    }

    fn all_but(&mut self, ids: &Ids, style: Style) -> String {
        // An exception is a list of its own: what is left out of a denial is not denied.
        format!(", on all but {}", self.things(ids, Style { denies: false, ..style }))
    }

    fn things(&mut self, ids: &Ids, style: Style) -> String {
        let shown = self.patterns.first(ids, MOST_RESOURCES);
        let texts = shown.iter().map(|id| self.patterns.text(*id).to_owned()).collect();
        self.things_of(&texts, ids.len() - shown.len(), style, &Words::Everything)
    }

    fn things_of(&mut self, texts: &BTreeSet<String>, more: usize, style: Style, words: &Words) -> String {
        let seeing = |level: &AccessLevel| matches!(level, AccessLevel::List | AccessLevel::Read);
        let said = Said {
            texts: texts.iter().take(MOST_RESOURCES).cloned().collect(),
            kind: if let Words::Verbs { kind, .. } = words { kind } else { "" },
            seen: matches!(words, Words::Levels(levels) if levels.iter().all(seeing)),
            denies: style.denies,
        };
        let more = more + texts.len().saturating_sub(MOST_RESOURCES);
        let known = self.things.get(&said).cloned();
        let words = known.unwrap_or_else(|| {
            let texts = said.texts.iter().map(String::as_str);
            let mut things = Things::located(texts, self.catalogue, self.locations, said.kind);
            if said.seen {
                things.drop_buckets_of_objects();
            }
            let words = things.words(style);
            self.things.insert(said, words.clone());
            words
        });
        if more == 0 { words } else { format!("{words} {} {}", style.and(), number(more, "more resource")) }
    }
}

fn known<'k, 'a>(act: &'k Act<'a>) -> Option<&'k Known<'a>> {
    if let Act::Known(known) = act { Some(known) } else { None }
}

/// The resource that a policy stands at.
fn own(service: &str) -> &'static str {
    services::own(service).unwrap_or("this resource")
}

/// The wildcards that match one of the actions, and whatever AWS adds later.
fn future(service: &str, actions: &BTreeSet<&str>, wildcards: &BTreeSet<&str>) -> Vec<String> {
    let names: Vec<String> = actions.iter().map(|name| format!("{service}:{name}")).collect();
    let takes_part = |wildcard: &&&str| names.iter().any(|name| matches(wildcard, name));
    wildcards.iter().filter(takes_part).map(|wildcard| (*wildcard).to_owned()).collect()
}
