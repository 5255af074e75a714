//! Who made a difference, as far as events tell.
//!
//! Only told, never a ground for a decision: an event may be missing, and what
//! stands in one is what somebody else wrote down.

use super::{Difference, Part};
use crate::domain::{ChangeEvent, Target};

/// Puts to each difference the newest change that was done to its part.
pub fn attribute(found: &mut [Difference], change_events: &[ChangeEvent]) {
    for difference in found {
        let newest =
            change_events.iter().rev().filter(|change| fits(&change.target, difference)).max_by_key(|change| change.at);
        difference.by = newest.cloned().or_else(|| difference.by.take());
    }
}

fn fits(target: &Target, difference: &Difference) -> bool {
    let subject = difference.subject.as_deref();
    match target {
        Target::Role => difference.part == Part::Role,
        Target::Trust => difference.part == Part::Trust,
        Target::Boundary => difference.part == Part::Boundary,
        Target::Tags => difference.part == Part::Tags,
        Target::Session => difference.part == Part::SessionDuration,
        Target::Permissions => difference.part == Part::Permissions,
        // Ambit's own denial has no name that anybody would know.
        Target::Denial => difference.part == Part::InlinePolicy && subject.is_none(),
        Target::Inline(name) => difference.part == Part::InlinePolicy && subject == Some(name),
        Target::Attachment(arn) => difference.part == Part::Attachment && subject == Some(arn),
        Target::Provider | Target::BoundaryPolicy => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::drift::DriftClass;

    fn change(event: &str, second: i64, target: Target) -> ChangeEvent {
        ChangeEvent {
            at: jiff::Timestamp::from_second(second).unwrap(),
            event: event.to_owned(),
            operation: "iam:Any".to_owned(),
            principal: "arn:aws:iam::123456789012:user/mallory".to_owned(),
            source: None,
            target,
        }
    }

    fn difference(part: Part, subject: Option<&str>) -> Difference {
        let plain = Difference::new(part, DriftClass::Changed, "it differs");
        Difference { subject: subject.map(str::to_owned), ..plain }
    }

    /// The event by which one difference is explained.
    fn by(part: Part, subject: Option<&str>, change_events: &[ChangeEvent]) -> Option<String> {
        let mut found = [difference(part, subject)];
        attribute(&mut found, change_events);
        found[0].by.as_ref().map(|change| change.event.clone())
    }

    const POLICY: &str = "arn:aws:iam::aws:policy/P";

    #[test]
    fn each_part_has_its_own_change() {
        let change_events = [
            change("role", 1, Target::Role),
            change("trust", 1, Target::Trust),
            change("boundary", 1, Target::Boundary),
            change("tags", 1, Target::Tags),
            change("session", 1, Target::Session),
            change("permissions", 1, Target::Permissions),
            change("denial", 1, Target::Denial),
            change("inline", 1, Target::Inline("extra".to_owned())),
            change("attachment", 1, Target::Attachment(POLICY.to_owned())),
            change("provider", 1, Target::Provider),
            change("policy", 1, Target::BoundaryPolicy),
        ];
        let explained = |part, subject| by(part, subject, &change_events);
        for (part, subject, event) in [
            (Part::Role, None, "role"),
            (Part::Trust, None, "trust"),
            (Part::Boundary, None, "boundary"),
            (Part::Tags, None, "tags"),
            (Part::SessionDuration, None, "session"),
            (Part::Permissions, None, "permissions"),
            (Part::InlinePolicy, None, "denial"),
            (Part::InlinePolicy, Some("extra"), "inline"),
            (Part::Attachment, Some(POLICY), "attachment"),
        ] {
            assert_eq!(explained(part, subject).as_deref(), Some(event), "{part:?}");
        }
        assert_eq!(explained(Part::InlinePolicy, Some("other")), None);
        assert_eq!(explained(Part::Attachment, Some("arn:aws:iam::aws:policy/Q")), None);
        for part in [Part::Provider, Part::ServiceAccount, Part::BindingTable] {
            assert_eq!(explained(part, None), None, "{part:?}");
        }
    }

    #[test]
    fn the_newest_counts_in_whatever_order_they_came() {
        let (old, new) = (change("old", 1, Target::Trust), change("new", 2, Target::Trust));
        assert_eq!(by(Part::Trust, None, &[old.clone(), new.clone()]).as_deref(), Some("new"));
        assert_eq!(by(Part::Trust, None, &[new.clone(), old]).as_deref(), Some("new"));
        let same = change("later in the same second", 2, Target::Trust);
        assert_eq!(by(Part::Trust, None, &[same, new]).as_deref(), Some("later in the same second"));
    }

    #[test]
    fn what_was_known_stays_where_nothing_is_heard() {
        let mut found = [difference(Part::Trust, None)];
        found[0].by = Some(change("known", 1, Target::Trust));
        attribute(&mut found, &[change("beside", 2, Target::Tags)]);
        assert_eq!(found[0].by.as_ref().map(|change| change.event.as_str()), Some("known"));
    }
}
