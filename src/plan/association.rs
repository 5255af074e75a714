//! From the declared association and the observed one to the steps between.

use super::drift::{Difference, DriftClass, Part};
use crate::domain::{Association, AssociationStep, Observation, PodsOf};
use crate::names::{Owner, printable};

/// What an association should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// Whose pods.
    pub pods: &'a PodsOf,
    /// The ARN of the role.
    pub role_arn: &'a str,
}

/// What to do about an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// Live equals declared.
    Settled,
    /// Take these steps, because of this.
    Change(Vec<AssociationStep>, Box<Difference>),
    /// These pods have one that is not provably ours: touch nothing, say why.
    NotOurs(Box<Difference>),
}

/// Decides what to do.
///
/// INVARIANT: nothing is planned for an association whose tags do not name this identity. The id
/// stands in each step, so one that was remade meanwhile is not met.
#[must_use]
pub fn tie(sought: &Sought<'_>, found: &Observation<Association>) -> Tie {
    let live = match found {
        Observation::Absent => {
            let summary = format!("{} have no association with the role, so EKS gives it to none of them", who(sought));
            let missing = Difference::new(Part::Association, DriftClass::Missing, summary);
            return Tie::Change(vec![create(sought)], Box::new(missing));
        }
        Observation::Present(live) => live,
    };
    if let Some(why) = not_ours(sought, live) {
        // Whose access pods get by it, nobody knows.
        let foreign = Difference::new(Part::Association, DriftClass::Foreign, why);
        return Tie::NotOurs(Box::new(Difference { widens: true, ..foreign }));
    }
    let (mut said, mut widens) = (Vec::new(), false);
    if live.principal != sought.role_arn {
        said.push(format!("names `{}` instead of `{}`", printable(&live.principal), sought.role_arn));
        widens = true;
    }
    if let Some(onward) = &live.onward {
        said.push(format!("leads on to `{}`", printable(onward)));
        widens = true;
    }
    if !live.names_pods {
        said.push("has session tags switched off, without which the role lets nobody in".to_owned());
    }
    if live.narrowed {
        said.push("has a policy of its own, which leaves pods less than was declared".to_owned());
    }
    let is_another = !live.owner.name_exactly(sought.owner);
    if is_another {
        said.push("does not name this identity's UID in its tags".to_owned());
    }
    if said.is_empty() {
        return Tie::Settled;
    }
    // What an update cannot take away goes with the association. One of an earlier incarnation goes
    // too: whoever still removes that one's association names its id.
    let remade = live.onward.is_some() || live.narrowed || is_another;
    let steps = if remade {
        vec![AssociationStep::Delete { id: live.id.clone() }, create(sought)]
    } else {
        vec![AssociationStep::Update { id: live.id.clone(), principal: sought.role_arn.to_owned() }]
    };
    let class = if widens || is_another { DriftClass::Changed } else { DriftClass::Narrowed };
    let summary = format!("the association of {} {}", who(sought), said.join(", and "));
    let difference = Difference { widens, ..Difference::new(Part::Association, class, summary) };
    Tie::Change(steps, Box::new(difference))
}

/// What removes an association with an identity: only one that its tags prove to be this
/// incarnation's.
#[must_use]
pub fn untie(owner: &Owner, found: &Observation<Association>) -> Option<AssociationStep> {
    match found {
        Observation::Present(live) if live.owner.name_exactly(owner) => {
            Some(AssociationStep::Delete { id: live.id.clone() })
        }
        _ => None,
    }
}

/// An association that names no identity of ours, or another one.
fn not_ours(sought: &Sought<'_>, live: &Association) -> Option<String> {
    (!live.owner.name_identity_of(sought.owner)).then(|| {
        format!(
            "{} have the association `{}` with `{}`, and its tags do not say that it belongs to this identity; Ambit leaves it alone: delete it, or tag it `ambit.dev/installation` = `{}` and `ambit.dev/identity` = `{}` to hand it over",
            who(sought),
            printable(&live.id),
            printable(&live.principal),
            sought.owner.installation,
            sought.owner.identity
        )
    })
}

fn who(sought: &Sought<'_>) -> String {
    format!("pods of service account `{}`", sought.pods.service_account)
}

fn create(sought: &Sought<'_>) -> AssociationStep {
    AssociationStep::Create {
        owner: sought.owner.clone(),
        pods: sought.pods.clone(),
        principal: sought.role_arn.to_owned(),
    }
}

#[cfg(test)]
mod tests;
