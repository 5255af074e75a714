//! What the statements of a side come to, when it is known of each whether it applies.

use super::bits::Bits;

/// How the statements of a side decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Formula {
    /// Any of these denies.
    pub(super) deny: Bits,
    /// Of each of these sets at least one must apply: the layers that only limit.
    pub(super) limits: Vec<Bits>,
    /// The ways to be allowed: of each set of one way at least one must apply.
    pub(super) ways: Vec<Vec<Bits>>,
}

/// Whether a side allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Allows {
    No,
    Perhaps,
    Yes,
}

impl Formula {
    /// One policy alone.
    pub(super) fn of_one(allow: Bits, deny: Bits) -> Self {
        Self { deny, limits: Vec::new(), ways: vec![vec![allow]] }
    }

    /// Every statement that can allow.
    pub(super) fn allowing(&self) -> Bits {
        self.limits.iter().chain(self.ways.iter().flatten()).fold(Bits::default(), |all, set| all.or(*set))
    }

    /// Whether only one set of statements can allow, and that alone suffices.
    pub(super) fn is_plain(&self) -> bool {
        self.limits.is_empty() && matches!(self.ways.as_slice(), [way] if way.len() == 1)
    }

    /// Whether the side allows, if the `sure` statements apply and of the others at most `maybe`.
    pub(super) fn allows(&self, sure: Bits, maybe: Bits) -> Allows {
        if self.deny.meets(sure) {
            return Allows::No;
        }
        let any = |set: &Bits| match (set.meets(sure), set.meets(maybe)) {
            (true, _) => Allows::Yes,
            (false, true) => Allows::Perhaps,
            (false, false) => Allows::No,
        };
        let all = |sets: &[Bits]| sets.iter().map(any).min().unwrap_or(Allows::Yes);
        let granted = self.ways.iter().map(|way| all(way)).max().unwrap_or(Allows::No);
        let ceiling = if self.deny.meets(maybe) { Allows::Perhaps } else { Allows::Yes };
        granted.min(all(&self.limits)).min(ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(indexes: &[usize]) -> Bits {
        indexes.iter().copied().collect()
    }

    #[test]
    fn a_policy_allows_what_a_statement_allows_and_none_denies() {
        let one = Formula::of_one(bits(&[0, 1]), bits(&[2]));
        assert_eq!(one.allows(bits(&[0]), bits(&[0])), Allows::Yes);
        assert_eq!(one.allows(bits(&[]), bits(&[1])), Allows::Perhaps);
        assert_eq!(one.allows(bits(&[0]), bits(&[0, 2])), Allows::Perhaps);
        assert_eq!(one.allows(bits(&[0, 2]), bits(&[0, 2])), Allows::No);
        assert_eq!(one.allows(bits(&[]), bits(&[])), Allows::No);
    }

    #[test]
    fn layers_limit_and_ways_are_alternatives() {
        let layered = Formula {
            deny: bits(&[9]),
            limits: vec![bits(&[1])],
            ways: vec![vec![bits(&[2]), bits(&[3])], vec![bits(&[4])]],
        };
        for (sure, expected) in [
            (vec![1, 2, 3], Allows::Yes),
            (vec![1, 4], Allows::Yes),
            (vec![1, 2], Allows::No),
            (vec![2, 3], Allows::No),
            (vec![1, 4, 9], Allows::No),
        ] {
            assert_eq!(layered.allows(bits(&sure), bits(&sure)), expected, "{sure:?}");
        }
    }
}
