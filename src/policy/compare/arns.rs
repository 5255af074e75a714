//! All resources sorted into classes: those that the same statements name.

use super::bits::Bits;
use super::budget::{Budget, Exhausted};
use super::frame::is_well_formed;
use super::glob::{Class, Glob, classes};
use super::ground::Ground;
use super::hash::Map;
use std::collections::BTreeMap;

/// A resource, with the statements whose resource element matches it and all like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArnClass {
    pub(super) statements: Bits,
    pub(super) example: String,
    /// The account in the ARN; empty if it has none.
    pub(super) account: String,
}

/// What is asked of the resources.
pub(super) struct Question<'a> {
    pub(super) ground: &'a Ground,
    /// The statements that matter: those that match action and principal.
    pub(super) statements: Bits,
    /// Statements of which at least one must match.
    pub(super) wanted: Bits,
    /// Texts that conditions on the resource's account tell apart.
    pub(super) accounts: &'a [Glob],
    /// The ARNs that are looked at; nothing for all.
    pub(super) within: Option<&'a [Glob; 6]>,
    /// What to call a part of an ARN that any text would do for.
    pub(super) service: &'a str,
}

/// More resource patterns with variables than this at one resource are not followed.
const MOST_FREE: usize = 6;

/// The classes of ARNs.
pub(super) fn arn_classes(question: &Question<'_>, budget: &Budget) -> Result<Vec<ArnClass>, Exhausted> {
    let about = About::of(question);
    let mut extra: Vec<Glob> = vec![Glob::text("arn"), Glob::text("")];
    extra.extend(question.accounts.iter().cloned());
    let first_of_frame = question.ground.globs.len() + extra.len();
    extra.extend(question.within.into_iter().flatten().cloned());
    let frame = question.within.map(|_| (None, std::array::from_fn(|at| first_of_frame + at)));
    let mut ways: Vec<Way> = frame.into_iter().collect();
    for pattern in about.patterns.keys() {
        let Some(own) = question.ground.arns.get(*pattern) else { continue };
        ways.extend(own.ways.iter().map(|way| (Some(*pattern), *way)));
    }
    budget.spend(200 + 4 * ways.len())?;
    let mut walk = Walk {
        question,
        about: &about,
        ways: &ways,
        extra: &extra,
        found: Map::default(),
        classes: Vec::new(),
        budget,
    };
    let all: Vec<usize> = (0..ways.len()).collect();
    walk.segment(0, &all, &mut Vec::new())?;
    Ok(walk.classes)
}

/// The class of `*`, which actions without a resource ask for.
pub(super) fn star_class(question: &Question<'_>) -> Option<ArnClass> {
    let about = About::of(question);
    let star = |pattern: &usize| question.ground.arns.get(*pattern).is_some_and(|pattern| pattern.star);
    let statements = about.matching(about.patterns.keys().copied().filter(star));
    statements.meets(question.wanted).then(|| ArnClass { statements, example: "*".to_owned(), account: String::new() })
}

/// Which statements a resource pattern belongs to.
struct About {
    patterns: BTreeMap<usize, Bits>,
    /// The statements with `NotResource`.
    negated: Bits,
    /// The statements about any resource.
    any: Bits,
}

impl About {
    fn of(question: &Question<'_>) -> Self {
        let mut about = Self { patterns: BTreeMap::new(), negated: Bits::default(), any: Bits::default() };
        for index in question.statements.iter() {
            match question.ground.statements.get(index).map(|part| &part.resource) {
                Some(Some(element)) => {
                    for pattern in &element.patterns {
                        about.patterns.entry(*pattern).or_default().insert(index);
                    }
                    if element.negated {
                        about.negated.insert(index);
                    }
                }
                Some(None) => about.any.insert(index),
                None => {}
            }
        }
        about
    }

    /// The statements that match a resource which these patterns match, and no others.
    fn matching(&self, patterns: impl Iterator<Item = usize>) -> Bits {
        let named =
            patterns.filter_map(|pattern| self.patterns.get(&pattern)).fold(Bits::default(), |all, one| all.or(*one));
        named.minus(self.negated).or(self.negated.minus(named)).or(self.any)
    }

    /// The statements that may match a resource which at most these patterns match.
    fn hopeful(&self, patterns: impl Iterator<Item = usize>) -> Bits {
        let named =
            patterns.filter_map(|pattern| self.patterns.get(&pattern)).fold(Bits::default(), |all, one| all.or(*one));
        named.or(self.negated).or(self.any)
    }
}

/// One way of a pattern to match, by the numbers of its segments' patterns; without a pattern, what
/// all resources must match.
type Way = (Option<usize>, [usize; 6]);

struct Walk<'a> {
    question: &'a Question<'a>,
    about: &'a About,
    ways: &'a [Way],
    /// Patterns of this question besides those of the policies: `arn`, nothing, accounts, the frame.
    extra: &'a [Glob],
    found: Map<(Bits, String), usize>,
    classes: Vec<ArnClass>,
    budget: &'a Budget,
}

impl Walk<'_> {
    fn glob(&self, number: usize) -> Option<&Glob> {
        let globs = &self.question.ground.globs;
        globs.get(number).or_else(|| self.extra.get(number.checked_sub(globs.len())?))
    }

    /// Goes on with one segment for each way in which those that are left can match it.
    fn segment(&mut self, at: usize, alive: &[usize], head: &mut Vec<String>) -> Result<(), Exhausted> {
        if at == 6 {
            return self.leaf(alive, head);
        }
        if self.is_hopeless(alive) {
            return Ok(());
        }
        let ways = self.ways;
        let number = |index: &usize| ways.get(*index).and_then(|(_, way)| way.get(at)).copied();
        let mut numbers: Vec<usize> = alive.iter().filter_map(number).collect();
        let first_extra = self.question.ground.globs.len();
        match at {
            0 => numbers.push(first_extra),
            4 if !self.question.accounts.is_empty() => {
                numbers.extend((1..self.question.accounts.len() + 2).map(|extra| first_extra + extra));
            }
            _ => {}
        }
        numbers.sort_unstable();
        numbers.dedup();
        let globs: Vec<&Glob> = numbers.iter().filter_map(|number| self.glob(*number)).collect();
        let mut of_number: Vec<(usize, usize)> =
            alive.iter().filter_map(|index| Some((number(index)?, *index))).collect();
        of_number.sort_unstable();
        self.budget.spend(60 + 4 * alive.len() + 8 * globs.len())?;
        let mut next = Vec::new();
        for class in classes(&globs, self.budget)? {
            if at == 0 && class.example != "arn" {
                continue;
            }
            let mut left = Vec::new();
            for number in class.matching.iter().filter_map(|matching| numbers.get(*matching)) {
                let first = of_number.partition_point(|(own, _)| own < number);
                let own = of_number.iter().skip(first).take_while(|(own, _)| own == number);
                left.extend(own.map(|(_, index)| *index));
            }
            self.budget.spend(2 + left.len())?;
            next.push((left, self.readable(at, &globs, &class)));
        }
        for (left, text) in next {
            head.push(text);
            self.segment(at + 1, &left, head)?;
            head.pop();
        }
        Ok(())
    }

    /// Whether no wanted statement can match any more.
    fn is_hopeless(&self, alive: &[usize]) -> bool {
        let lacks_frame = self.question.within.is_some() && !self.is_within(alive);
        let patterns = alive.iter().filter_map(|index| self.ways.get(*index)?.0);
        lacks_frame || !self.about.hopeful(patterns).meets(self.question.wanted)
    }

    fn is_within(&self, alive: &[usize]) -> bool {
        alive.iter().any(|index| matches!(self.ways.get(*index), Some((None, _))))
    }

    /// A resource is found: one class for each choice of what may or may not match it.
    fn leaf(&mut self, alive: &[usize], head: &[String]) -> Result<(), Exhausted> {
        if self.question.within.is_some() && !self.is_within(alive) {
            return Ok(());
        }
        let mut matched: Vec<usize> = alive.iter().filter_map(|index| self.ways.get(*index)?.0).collect();
        matched.sort_unstable();
        matched.dedup();
        let is_free =
            |pattern: &&usize| self.question.ground.arns.get(**pattern).is_some_and(|pattern| pattern.free.is_some());
        let free: Vec<usize> = matched.iter().filter(is_free).copied().collect();
        if free.len() > MOST_FREE {
            return Err(Exhausted);
        }
        let example = head.join(":");
        let account = head.get(4).cloned().unwrap_or_default();
        for choice in 0..1_usize << free.len() {
            self.budget.spend(10 + 2 * matched.len())?;
            let holds =
                |pattern: &usize| free.iter().position(|known| known == pattern).is_none_or(|at| choice >> at & 1 == 1);
            let statements = self.about.matching(matched.iter().copied().filter(holds));
            if statements.meets(self.question.wanted) {
                self.add(ArnClass { statements, example: example.clone(), account: account.clone() });
            }
        }
        Ok(())
    }

    /// Adds a class, once; of two resources of one class the one that looks more like AWS's.
    fn add(&mut self, class: ArnClass) {
        let told_apart = if self.question.accounts.is_empty() { String::new() } else { class.account.clone() };
        let next = self.classes.len();
        let number = *self.found.entry((class.statements, told_apart)).or_insert(next);
        match self.classes.get_mut(number) {
            None => self.classes.push(class),
            Some(known) if is_well_formed(&class.example) && !is_well_formed(&known.example) => *known = class,
            Some(_) => {}
        }
    }

    /// A text of the class that looks like what stands in ARNs, if there is one.
    fn readable(&self, at: usize, globs: &[&Glob], class: &Class) -> String {
        let usual: &[&str] = match at {
            1 => &["aws"],
            2 => &[self.question.service],
            3 => &["us-east-1", "eu-west-1", "eu-central-1"],
            4 => &["123456789012", "111122223333", "444455556666", "777788889999"],
            _ => &[],
        };
        let is_same = |text: &&&str| {
            let matching = globs.iter().enumerate().filter(|(_, glob)| glob.matches(text)).map(|(index, _)| index);
            matching.eq(class.matching.iter().copied())
        };
        // An account is looked at by conditions too, and an empty one is another matter there.
        if at == 4 && class.example.is_empty() {
            return String::new();
        }
        usual.iter().find(is_same).map_or_else(|| class.example.clone(), |text| (*text).to_owned())
    }
}
