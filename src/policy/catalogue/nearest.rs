//! "Did you mean": the names nearest to a misspelt one.

/// How many names are offered.
const OFFERED: usize = 3;
/// A longer text is no misspelling of any name.
const LONGEST: usize = 96;

/// The candidates nearest to a text, the best first, at most three.
///
/// Case is ignored. A name is near when at most a third of it must be changed,
/// or when one of the two begins with the other.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    if text.len() > LONGEST || text.is_empty() {
        return Vec::new();
    }
    let wanted = text.to_ascii_lowercase();
    let mut ranked: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(&wanted, &candidate.to_ascii_lowercase())?, candidate)))
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    let best = ranked.first().map_or(0, |(distance, _)| *distance);
    // What is far worse than the best is noise.
    ranked
        .into_iter()
        .take_while(|(distance, _)| *distance <= best + 1)
        .take(OFFERED)
        .map(|(_, name)| name.to_owned())
        .collect()
}

fn distance(wanted: &str, candidate: &str) -> Option<usize> {
    let length = wanted.len().max(candidate.len());
    let allowed = (length / 3).clamp(1, 6);
    let prefix =
        wanted.len() >= 3 && (candidate.starts_with(wanted) || wanted.starts_with(candidate) && candidate.len() >= 3);
    if !prefix && wanted.len().abs_diff(candidate.len()) > allowed {
        return None;
    }
    let edits = strsim::osa_distance(wanted, candidate);
    if edits <= allowed {
        Some(edits)
    } else {
        // Begins alike: worse than any misspelling, better than nothing.
        prefix.then_some(edits.max(allowed + 1))
    }
}

/// `; did you mean `a`, `b` or `c`?`, or nothing where there is nothing to offer.
pub(in crate::policy) fn did_you_mean(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", either(names)) }
}

/// Names in backticks, joined by commas and a last `or`.
pub(in crate::policy) fn either<T: std::fmt::Display>(names: &[T]) -> String {
    joined(names, "or")
}

/// Names in backticks, joined by commas and a last `and`.
pub(in crate::policy) fn both<T: std::fmt::Display>(names: &[T]) -> String {
    joined(names, "and")
}

fn joined<T: std::fmt::Display>(names: &[T], last: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_was_probably_meant() {
        let names = ["GetObject", "GetObjectAcl", "PutObject", "ListBucket"];
        assert_eq!(nearest("GetObjekt", names), ["GetObject"]);
        assert_eq!(nearest("getobject", names), ["GetObject"]);
        assert_eq!(nearest("GetObj", names), ["GetObject"]);
        assert_eq!(nearest("Frobnicate", names), Vec::<String>::new());
        assert_eq!(nearest("", names), Vec::<String>::new());
        assert_eq!(nearest(&"x".repeat(10_000), names), Vec::<String>::new());
    }

    #[test]
    fn offers_at_most_three_in_a_stable_order() {
        assert_eq!(nearest("aab", ["aad", "aac", "aaf", "aae"]), ["aac", "aad", "aae"]);
    }

    #[test]
    fn joins_names_as_people_do() {
        assert_eq!(did_you_mean(&[]), "");
        assert_eq!(did_you_mean(&["a".into()]), "; did you mean `a`?");
        assert_eq!(either(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(both(&["a", "b"]), "`a` and `b`");
    }
}
