//! Whether a request can be made at all of an identity: what nobody can ask is
//! denied whatever anybody declares, and a case about it would be green for
//! the wrong reason.

use crate::api::v1alpha1::ScopeSpec;
use crate::names::{Arn, shortened};
use crate::plan::account::AccountSettings;
use crate::policy::catalogue::{GLOBALS, global, nearest};
use crate::policy::{Catalogue, Request};

/// Why a request is none that the identity of an account could make.
pub(super) fn impossible(
    request: &Request,
    account: &AccountSettings,
    scopes: &[ScopeSpec],
    catalogue: &Catalogue,
) -> Option<String> {
    elsewhere(&request.resource, account).or_else(|| {
        let own = |key: &str| {
            scopes.iter().flat_map(|scope| &scope.conditions).any(|condition| condition.key.eq_ignore_ascii_case(key))
        };
        request.context.iter().find_map(|value| match is_known(&value.key, catalogue) {
            // A key that is newer than the catalogue is one all the same.
            false if !own(&value.key) => Some(unknown(&value.key, catalogue)),
            true if value.list && !catalogue.has_several(&value.key) => Some(format!(
                "a request has one value under `{}`, not a list of them: give it alone, or leave the key out",
                shortened(&value.key)
            )),
            _ => None,
        })
    })
}

/// A role has access in its own account alone.
fn elsewhere(resource: &str, account: &AccountSettings) -> Option<String> {
    let arn = Arn::parse(resource).ok()?;
    let (partition, number) = (account.partition.to_string(), account.account.to_string());
    let shown = shortened(resource);
    if arn.partition() != partition {
        return Some(format!(
            "`{shown}` is in partition `{}`, and the identity's account in `{partition}`: no declaration could allow it",
            shortened(arn.partition())
        ));
    }
    // Policies of AWS itself are in an account of that name.
    let is_foreign = !["", "aws", number.as_str()].contains(&arn.account());
    is_foreign.then(|| {
        format!(
            "`{shown}` is in account `{}`, and the identity in `{number}`: no declaration could allow it",
            shortened(arn.account())
        )
    })
}

fn is_known(key: &str, catalogue: &Catalogue) -> bool {
    let key = key.to_ascii_lowercase();
    // Claims of tokens are named after their issuer, which is a host.
    let is_claim = key.split_once(':').is_some_and(|(issuer, _)| issuer.contains('.'));
    is_claim || global(&key).is_some() || all(catalogue).any(|known| fits(known, &key))
}

/// Whether a key is that of a template such as `s3:ExistingObjectTag/<key>`.
fn fits(template: &str, key: &str) -> bool {
    let template = template.to_ascii_lowercase();
    match template.find(['$', '<']) {
        Some(end) => template.get(..end).is_some_and(|start| key.starts_with(start) && key.len() > start.len()),
        None => template == key,
    }
}

fn all(catalogue: &Catalogue) -> impl Iterator<Item = &'static str> {
    catalogue.services().flat_map(|service| service.keys().iter().map(|known| known.name))
}

fn unknown(key: &str, catalogue: &Catalogue) -> String {
    let near = nearest(key, GLOBALS.iter().map(|known| known.spelling).chain(all(catalogue)));
    let hint = match near.first() {
        Some(first) => format!("did you mean `{first}`?"),
        None => "no request has it".to_owned(),
    };
    format!("`{}` is a condition key of no service; {hint}", shortened(key))
}
