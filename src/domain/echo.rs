//! Answers that repeat a secret they were sent.

/// Whether a text, which may have been cut, holds a telling piece of a secret.
#[must_use]
pub fn repeats(text: &str, secret: &str) -> bool {
    const TELLING: usize = 16;
    let piece = |from: usize| secret.get(from..from + TELLING);
    if secret.len() < TELLING {
        return !secret.is_empty() && text.contains(secret);
    }
    (0..=secret.len() - TELLING).any(|from| piece(from).is_some_and(|piece| text.contains(piece)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_enough() {
        let secret = "0123456789abcdefghij";
        for text in ["…0123456789abcdefghij…", "9abcdefghij was refused", "456789abcdefghijk"] {
            assert_eq!(repeats(text, secret), text.contains("456789abcdefghij"), "{text}");
        }
        assert!(repeats("it is `short`", "short") && !repeats("it is long", "short"));
        assert!(!repeats("anything", ""));
    }
}
