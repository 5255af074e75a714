use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn glob(text: &str) -> Glob {
    Glob::of(
        text.chars()
            .map(|character| match character {
                '*' => Sign::Star { bound: false },
                '?' => Sign::Any { bound: false },
                '+' => Sign::Star { bound: true },
                '.' => Sign::Any { bound: true },
                '#' => Sign::Digit,
                'A'..='Z' => Sign::Folded(character),
                other => Sign::Char(other),
            })
            .collect(),
    )
}

fn matching(globs: &[&Glob], text: &str) -> Vec<usize> {
    globs.iter().enumerate().filter(|(_, glob)| glob.matches(text)).map(|(index, _)| index).collect()
}

fn signatures(texts: &[&str]) -> BTreeSet<Vec<usize>> {
    let globs: Vec<Glob> = texts.iter().map(|text| glob(text)).collect();
    let globs: Vec<&Glob> = globs.iter().collect();
    let classes = classes(&globs, &Budget::of(1_000_000)).unwrap();
    for class in &classes {
        assert_eq!(matching(&globs, &class.example), class.matching, "{texts:?}: {}", class.example);
    }
    let found: BTreeSet<_> = classes.iter().map(|class| class.matching.clone()).collect();
    assert_eq!(found.len(), classes.len(), "each class once");
    found
}

#[test]
fn each_way_to_match_has_one_class() {
    let none: Vec<usize> = Vec::new();
    for (globs, expected) in [
        (vec!["*"], vec![vec![0]]),
        (vec!["a"], vec![none.clone(), vec![0]]),
        (vec!["get*", "*", "getobject"], vec![vec![0, 1], vec![0, 1, 2], vec![1]]),
        (vec!["a*", "ab*"], vec![none.clone(), vec![0], vec![0, 1]]),
        (vec!["*a", "a*"], vec![none.clone(), vec![0], vec![0, 1], vec![1]]),
        // Only `abc` ends and begins so without being long enough for the third.
        (vec!["ab*", "*bc", "ab*bc"], vec![none.clone(), vec![0], vec![0, 1], vec![0, 1, 2], vec![1]]),
        // And if that one is a literal itself, there is no other.
        (vec!["ab*", "*bc", "ab*bc", "abc"], vec![none.clone(), vec![0], vec![0, 1, 2], vec![0, 1, 3], vec![1]]),
        (vec!["?", "a"], vec![none.clone(), vec![0], vec![0, 1]]),
        (vec!["A", "a"], vec![none.clone(), vec![0], vec![0, 1]]),
        (vec!["a:+", "a:*"], vec![none.clone(), vec![0, 1], vec![1]]),
        (vec!["#", "."], vec![none.clone(), vec![0, 1], vec![1]]),
    ] {
        assert_eq!(signatures(&globs), expected.into_iter().collect(), "{globs:?}");
    }
}

#[test]
fn infix_patterns_multiply_until_the_budget_ends() {
    let globs: Vec<Glob> = (b'a'..=b'z').map(|letter| glob(&format!("*{0}{0}{0}*", char::from(letter)))).collect();
    let few: Vec<&Glob> = globs.iter().take(5).collect();
    assert_eq!(classes(&few, &Budget::of(1_000_000)).unwrap().len(), 32);
    let all: Vec<&Glob> = globs.iter().collect();
    assert_eq!(classes(&all, &Budget::of(1_000_000)), Err(Exhausted));
}

proptest! {
    #[test]
    fn every_text_has_its_class(
        globs in proptest::collection::vec("[ab:*?+]{0,5}", 1..5),
        texts in proptest::collection::vec("[abcx:]{0,6}", 20),
    ) {
        let found = signatures(&globs.iter().map(String::as_str).collect::<Vec<_>>());
        let globs: Vec<Glob> = globs.iter().map(|text| glob(text)).collect();
        let globs: Vec<&Glob> = globs.iter().collect();
        for text in texts {
            prop_assert!(found.contains(&matching(&globs, &text)), "{globs:?} {text}");
        }
    }

    #[test]
    fn a_text_made_from_a_pattern_matches_it(pieces in proptest::collection::vec(("[ab*?:+]", "[ab]{0,3}"), 0..10)) {
        let pattern: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
        let text: String = pieces.iter().map(|(piece, filling)| match piece.as_str() {
            "*" | "+" => filling.clone(),
            "?" => "b".to_owned(),
            other => other.to_owned(),
        }).collect();
        prop_assert!(glob(&pattern).matches(&text));
    }
}
