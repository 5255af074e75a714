//! Three-valued logic: yes, no, and what could not be decided with what was in the way.

/// An answer that may be missing. `D` says what was in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tri<D> {
    No,
    Unknown(D),
    Yes,
}

impl<D> Tri<D> {
    pub(super) fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    /// Yes only if both are.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown(doubt), _) | (_, Self::Unknown(doubt)) => Self::Unknown(doubt),
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Yes if one of both is.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown(doubt), _) | (_, Self::Unknown(doubt)) => Self::Unknown(doubt),
            (Self::No, Self::No) => Self::No,
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown(doubt) => Self::Unknown(doubt),
            Self::Yes => Self::No,
        }
    }

    /// The opposite where `negated`.
    pub(super) fn negated_if(self, negated: bool) -> Self {
        if negated { self.not() } else { self }
    }

    pub(super) fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }

    pub(super) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes)
    }

    /// The same answer with more said about what was in the way.
    pub(super) fn map<E>(self, more: impl FnOnce(D) -> E) -> Tri<E> {
        match self {
            Self::No => Tri::No,
            Self::Unknown(doubt) => Tri::Unknown(more(doubt)),
            Self::Yes => Tri::Yes,
        }
    }

    /// Yes if one of them is. Stops at the first that is.
    pub(super) fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::No;
        for answer in answers {
            all = all.or(answer);
            if all.is_yes() {
                break;
            }
        }
        all
    }

    /// Yes if all of them are. Stops at the first that is not.
    pub(super) fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for answer in answers {
            all = all.and(answer);
            if all.is_no() {
                break;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Tri::{No, Unknown, Yes};
    use super::*;

    #[test]
    fn what_is_unknown_matters_only_where_it_can_change_the_answer() {
        let unknown = || Unknown(());
        assert_eq!([No.and(unknown()), unknown().and(No), Yes.and(unknown())], [No, No, Unknown(())]);
        assert_eq!([Yes.or(unknown()), unknown().or(Yes), No.or(unknown())], [Yes, Yes, Unknown(())]);
        assert_eq!([unknown().not(), Yes.not(), No::<()>.not()], [Unknown(()), No, Yes]);
        assert_eq!(Tri::any([No, unknown(), Yes]), Yes);
        assert_eq!(Tri::all([Yes, unknown(), No]), No);
        assert_eq!((Tri::<()>::any([]), Tri::<()>::all([])), (No, Yes));
    }

    #[test]
    fn the_first_doubt_is_kept() {
        assert_eq!(Unknown(1).and(Unknown(2)), Unknown(1));
        assert_eq!(Unknown(1).or(Unknown(2)), Unknown(1));
    }
}
