//! Patterns with `*` and `?`, matched quickly: in time proportional to the
//! product of the lengths at worst, and nearly always to their sum.

/// Whether a pattern matches a text whole; `fold` ignores the case of ASCII letters.
pub(super) fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    walk(pattern.as_bytes(), text.as_bytes(), |sign, byte| {
        sign == b'?' || sign == byte || fold && sign.eq_ignore_ascii_case(&byte)
    })
}

/// Whether a pattern certainly matches all that another matches. `false` proves nothing.
pub(super) fn covers(outer: &str, inner: &str, fold: bool) -> bool {
    walk(outer.as_bytes(), inner.as_bytes(), |sign, byte| match (sign, byte) {
        // What `*` stands for may be longer than one character; only a `*` covers it.
        (_, b'*') => false,
        (b'?', _) => true,
        (_, b'?') => false,
        _ => sign == byte || fold && sign.eq_ignore_ascii_case(&byte),
    })
}

/// Whether nothing but stars, which is the same as one.
pub(super) fn is_star(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*')
}

/// Whether two patterns have no text in common, as far as their literal ends show it.
pub(super) fn are_apart(left: &str, right: &str) -> bool {
    let head = |text: &str| text.bytes().take_while(|byte| !b"*?".contains(byte)).collect::<Vec<_>>();
    let tail = |text: &str| text.bytes().rev().take_while(|byte| !b"*?".contains(byte)).collect::<Vec<_>>();
    let differ = |left: Vec<u8>, right: Vec<u8>| left.iter().zip(&right).any(|(left, right)| left != right);
    differ(head(left), head(right)) || differ(tail(left), tail(right))
}

/// Goes along the text, and back to the last star where it went wrong.
fn walk(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(here) {
        match pattern.get(at) {
            Some(b'*') => {
                back = Some((at + 1, here));
                at += 1;
            }
            Some(sign) if same(*sign, *byte) => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                (at, here) = (star, from + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the definition says it.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some((b'*', rest)), _) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            (Some((sign, rest)), Some((byte, after))) => (*sign == b'?' || sign == byte) && slow(rest, after),
            (Some(_), None) => false,
        }
    }

    #[test]
    fn a_star_is_covered_by_a_star_alone() {
        for (outer, inner, covered) in [
            ("*", "anything*?", true),
            ("a*", "ab*", true),
            ("a?", "a*", false),
            ("a?", "a?", true),
            ("ab", "a?", false),
            ("ab*", "a*", false),
            ("*b", "a*b", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(covers(outer, inner, false), covered, "{outer} {inner}");
        }
    }

    #[test]
    fn patterns_are_apart_where_their_ends_differ() {
        assert!(are_apart("a*", "b*"));
        assert!(are_apart("*a", "*b"));
        assert!(!are_apart("a*", "*b"));
        assert!(!are_apart("a*", "ab*"));
        assert!(!are_apart("*", ""));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_slow_walk(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &text, false), slow(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn what_is_covered_matches(outer in "[ab*?]{0,6}", inner in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            if covers(&outer, &inner, false) && matches(&inner, &text, false) {
                prop_assert!(matches(&outer, &text, false));
            }
            if are_apart(&outer, &inner) {
                prop_assert!(!(matches(&outer, &text, false) && matches(&inner, &text, false)));
            }
        }
    }
}
