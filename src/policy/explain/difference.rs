//! What a comparison found, in words.

use super::request::{context, done};
use super::sensitivity::Sensitivity;
use super::who::Who;
use crate::policy::catalogue::Catalogue;
use crate::policy::compare::{Comparison, Direction, Verdict};
use crate::policy::english::words::line;
use crate::policy::request::Request;

/// In which way two policies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The new one allows more.
    Wider,
    /// The new one allows less.
    Narrower,
    /// It could not be decided.
    Undecided,
    /// They mean the same.
    None,
}

impl Change {
    /// The name that it has in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::Narrower => "narrower",
            Self::Undecided => "undecided",
            Self::None => "none",
        }
    }
}

/// One difference between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// One line, without a full stop.
    pub text: String,
    /// Which way.
    pub change: Change,
    /// How sensitive what was found is; unknown where it could not be decided.
    pub sensitivity: Sensitivity,
    /// Whether only actions or resources that AWS does not have today differ.
    pub latent: bool,
}

/// Says what a comparison found: what is wider, then what is narrower.
#[must_use]
pub fn difference(comparison: &Comparison, catalogue: &Catalogue) -> Vec<Difference> {
    let forward = direction(&comparison.forward, Change::Wider, catalogue);
    let backward = direction(&comparison.backward, Change::Narrower, catalogue);
    let found: Vec<Difference> = forward.into_iter().chain(backward).collect();
    if found.is_empty() {
        return vec![Difference {
            text: "no change in meaning".to_owned(),
            change: Change::None,
            sensitivity: Sensitivity::Other,
            latent: false,
        }];
    }
    found
}

/// Says what the requests of one direction come to, the most sensitive first, each once.
#[must_use]
pub fn changes(requests: &[Request], change: Change, catalogue: &Catalogue) -> Vec<Difference> {
    let mut all: Vec<Difference> = requests.iter().map(|request| told(request, change, false, catalogue)).collect();
    all.sort_by(|a, b| (a.sensitivity, &a.text).cmp(&(b.sensitivity, &b.text)));
    all.dedup_by(|a, b| a.text == b.text);
    all
}

/// What one request shows.
fn told(request: &Request, change: Change, latent: bool, catalogue: &Catalogue) -> Difference {
    let (word, can) = words(change);
    let later = if latent { ", only for actions or resources that AWS may add later" } else { "" };
    Difference {
        text: format!("{word}{later}: {}", said(request, can, catalogue)),
        change,
        sensitivity: Sensitivity::of(&request.action, catalogue),
        latent,
    }
}

fn words(change: Change) -> (&'static str, &'static str) {
    if change == Change::Wider { ("wider", "can now") } else { ("narrower", "can no longer") }
}

/// Says what one direction found; nothing where there is nothing.
#[must_use]
pub fn direction(direction: &Direction, change: Change, catalogue: &Catalogue) -> Option<Difference> {
    let (word, can) = words(change);
    match &direction.verdict {
        Verdict::None => None,
        Verdict::New(request) => Some(told(request, change, direction.is_latent(), catalogue)),
        Verdict::Unknown { reason, candidate } => {
            let perhaps = candidate.as_ref().map(|request| format!("; perhaps {}", said(request, can, catalogue)));
            Some(Difference {
                text: format!(
                    "cannot be decided whether it is {word}: {}{}",
                    line(reason),
                    perhaps.unwrap_or_default()
                ),
                change: Change::Undecided,
                sensitivity: Sensitivity::Unknown,
                latent: false,
            })
        }
    }
}

/// Who can now do what.
fn said(request: &Request, can: &str, catalogue: &Catalogue) -> String {
    let caller = match request.principal.as_deref() {
        None => String::new(),
        Some("*") => "whoever is not signed in ".to_owned(),
        Some(principal) => {
            let words = Who::caller(principal).words();
            // The context of the request says which one.
            words.strip_prefix("every subject").map_or_else(|| format!("{words} "), |rest| format!("a subject{rest} "))
        }
    };
    format!("{caller}{can} {}{}", done(request, catalogue), context(request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::compare::{Answer, Domains};

    fn direction(verdict: Verdict, catalogue: Answer) -> Direction {
        let pattern = verdict.answer();
        Direction { verdict, domains: Domains { pattern, arn: pattern, catalogue } }
    }

    fn none() -> Direction {
        direction(Verdict::None, Answer::None)
    }

    fn new(action: &str, resource: &str, principal: Option<&str>) -> Verdict {
        let request = Request {
            action: action.into(),
            resource: resource.into(),
            principal: principal.map(str::to_owned),
            ..Request::default()
        };
        Verdict::New(Box::new(request))
    }

    fn said(forward: Direction, backward: Direction) -> Vec<(String, Change, Sensitivity)> {
        let found = difference(&Comparison { forward, backward }, Catalogue::embedded());
        found.into_iter().map(|found| (found.text, found.change, found.sensitivity)).collect()
    }

    #[test]
    fn all_that_changes_is_said_once_with_the_most_sensitive_first() {
        let request = |action: &str, resource: &str| Request {
            action: action.into(),
            resource: resource.into(),
            ..Request::default()
        };
        let object = "arn:aws:s3:::orders-in/x";
        let requests = [
            request("s3:DeleteObject", object),
            request("s3:GetObject", object),
            request("s3:DeleteObject", object),
            request("s3:PutBucketPolicy", "arn:aws:s3:::orders-in"),
        ];
        let texts: Vec<String> =
            changes(&requests, Change::Narrower, Catalogue::embedded()).into_iter().map(|change| change.text).collect();
        assert_eq!(
            texts,
            [
                "narrower: can no longer change who has access to bucket `orders-in`",
                "narrower: can no longer read object `orders-in/x`",
                "narrower: can no longer delete object `orders-in/x`",
            ]
        );
    }

    #[test]
    fn no_difference_is_said() {
        assert_eq!(said(none(), none()), [("no change in meaning".to_owned(), Change::None, Sensitivity::Other)]);
    }

    #[test]
    fn what_was_gained_stands_before_what_was_lost() {
        let delete = direction(new("s3:DeleteObject", "arn:aws:s3:::orders-in/x", None), Answer::New);
        let role = Some("arn:aws:iam::123456789012:role/ci");
        let assume = direction(new("sts:AssumeRole", "arn:aws:iam::123456789012:role/r", role), Answer::New);
        assert_eq!(
            said(delete, assume),
            [
                ("wider: can now delete object `orders-in/x`".to_owned(), Change::Wider, Sensitivity::Deletion),
                (
                    "narrower: role `ci` of account `123456789012` can no longer assume role `r`".to_owned(),
                    Change::Narrower,
                    Sensitivity::PermissionsManagement
                ),
            ]
        );
        let anonymous = direction(new("s3:GetObject", "arn:aws:s3:::b/k", Some("*")), Answer::New);
        assert_eq!(said(anonymous, none())[0].0, "wider: whoever is not signed in can now read object `b/k`");
    }

    #[test]
    fn latent_differences_are_said_as_such() {
        let latent = direction(new("s3:GetFuture", "*", None), Answer::None);
        let found = difference(&Comparison { forward: latent, backward: none() }, Catalogue::embedded());
        assert_eq!(
            found[0].text,
            "wider, only for actions or resources that AWS may add later: can now use `s3:GetFuture`"
        );
        assert!(found[0].latent);
    }

    #[test]
    fn what_is_undecided_is_said_with_its_reason() {
        let Verdict::New(candidate) = new("sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", None) else { return };
        let unknown =
            |candidate| direction(Verdict::Unknown { reason: "too\nmany".into(), candidate }, Answer::Unknown);
        assert_eq!(
            said(unknown(Some(candidate)), unknown(None)),
            [
                (
                    "cannot be decided whether it is wider: too\u{fffd}many; perhaps can now send messages to queue `q`"
                        .to_owned(),
                    Change::Undecided,
                    Sensitivity::Unknown
                ),
                ("cannot be decided whether it is narrower: too\u{fffd}many".to_owned(), Change::Undecided, Sensitivity::Unknown),
            ]
        );
    }
}
