//! A request with the policies that have a say in it, as JSON.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::super::fields::{Fields, Kind, items, kind, policy, scalar, text};
use crate::names::{AccountId, is_account_id};
use crate::policy::{Context, Layers, Policy, Request};

/// The fields of a question beside its `id`.
pub(super) const FIELDS: [&str; 2] = ["request", "policies"];

const REQUEST: [&str; 4] = ["action", "resource", "principal", "context"];
const POLICIES: [&str; 7] = ["identity", "boundary", "session", "resource", "scps", "rcps", "managementAccount"];

/// What is asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) layers: Layers<Policy>,
}

impl Asked {
    pub(super) fn read(question: &Fields<'_>) -> Result<Self, String> {
        let request = question.need("request", "an object with `action` and `resource`")?;
        let policies = question.need("policies", "an object with `identity` and the other layers")?;
        Ok(Self {
            request: read_request(&Fields::of(request, "request", &REQUEST)?)?,
            layers: read_layers(&Fields::of(policies, "policies", &POLICIES)?)?,
        })
    }

    /// Every policy with the way to it.
    pub(super) fn policies(&self) -> Vec<(String, &Policy)> {
        let Layers { identity, boundary, session, resource, scps, rcps, management_account: _ } = &self.layers;
        let mut all: Vec<_> = numbered("policies.identity", identity).collect();
        for (name, one) in [("boundary", boundary), ("session", session), ("resource", resource)] {
            all.extend(one.iter().map(|policy| (format!("policies.{name}"), policy)));
        }
        for (name, levels) in [("scps", scps), ("rcps", rcps)] {
            for (index, level) in levels.iter().enumerate() {
                all.extend(numbered(&format!("policies.{name}[{index}]"), level));
            }
        }
        all
    }
}

fn numbered<'p>(place: &str, policies: &'p [Policy]) -> impl Iterator<Item = (String, &'p Policy)> {
    policies.iter().enumerate().map(move |(index, policy)| (format!("{place}[{index}]"), policy))
}

fn read_request(fields: &Fields<'_>) -> Result<Request, String> {
    let needed = |name, what| text(fields.need(name, what)?, &fields.path(name));
    let action = needed("action", "such as `s3:GetObject`")?;
    if !action.contains(':') {
        return Err(format!("`{}` must name service and action, such as `s3:GetObject`", fields.path("action")));
    }
    let principal = fields.get("principal").map(|raw| text(raw, &fields.path("principal"))).transpose()?;
    if principal.as_deref().is_some_and(|principal| !is_principal(principal)) {
        return Err(format!(
            "`{}` must be an ARN, the number of an account, the name of a service or of an identity provider, or `*`",
            fields.path("principal"),
        ));
    }
    Ok(Request {
        action,
        resource: needed("resource", "an ARN, or `*` for an action without a resource")?,
        principal,
        context: fields
            .get("context")
            .map(|raw| read_context(raw, &fields.path("context")))
            .transpose()?
            .unwrap_or_default(),
    })
}

/// Whether a text looks like a caller: a misspelt one would be somebody else.
fn is_principal(text: &str) -> bool {
    let is_arn = text.starts_with("arn:") && text.split(':').count() >= 6;
    let is_host = text.contains('.') && !text.contains(':');
    text == "*" || (is_account_id(text) || is_arn || is_host) && !text.contains(char::is_whitespace)
}

fn read_context(raw: &RawValue, place: &str) -> Result<Context, String> {
    let fields = Fields::any(raw, place)?;
    let mut context = Context::default();
    let mut seen = BTreeSet::new();
    for (key, raw) in fields.iter() {
        let place = fields.path(key);
        // Keys are the same in any case, so the second would silently take the place of the first.
        if !seen.insert(key.to_ascii_lowercase()) {
            return Err(format!("`{place}` stands twice, in another case: leave one out"));
        }
        if kind(raw) == Kind::List {
            let values = items(raw, &place, "values")?;
            let value = |(index, raw): (usize, &&RawValue)| scalar(raw, &format!("{place}[{index}]"));
            context.set_list(key, values.iter().enumerate().map(value).collect::<Result<_, _>>()?);
        } else {
            context.set(key, scalar(raw, &place)?);
        }
    }
    Ok(context)
}

fn read_layers(fields: &Fields<'_>) -> Result<Layers<Policy>, String> {
    let one = |name| fields.get(name).map(|raw| policy(raw, &fields.path(name))).transpose();
    let levels = |name| fields.get(name).map_or(Ok(Vec::new()), |raw| read_levels(raw, &fields.path(name)));
    let account = |raw| {
        let place = fields.path("managementAccount");
        AccountId::parse(&text(raw, &place)?).map_err(|error| format!("`{place}`: {error}"))
    };
    Ok(Layers {
        identity: fields.get("identity").map_or(Ok(Vec::new()), |raw| read_list(raw, &fields.path("identity")))?,
        boundary: one("boundary")?,
        session: one("session")?,
        resource: one("resource")?,
        scps: levels("scps")?,
        rcps: levels("rcps")?,
        management_account: fields.get("managementAccount").map(account).transpose()?,
    })
}

fn read_levels(raw: &RawValue, place: &str) -> Result<Vec<Vec<Policy>>, String> {
    let levels = items(raw, place, "levels, each a list of policies")?;
    levels.iter().enumerate().map(|(index, level)| read_list(level, &format!("{place}[{index}]"))).collect()
}

fn read_list(raw: &RawValue, place: &str) -> Result<Vec<Policy>, String> {
    let policies = items(raw, place, "policies")?;
    policies.iter().enumerate().map(|(index, raw)| policy(raw, &format!("{place}[{index}]"))).collect()
}

#[cfg(test)]
mod tests;
