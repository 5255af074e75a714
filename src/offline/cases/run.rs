//! Deciding cases.

use std::fmt::Write as _;

use super::super::compiled::compiled;
use super::super::finding::Spot;
use super::super::world::{Declared, Judged, World};
use super::nearest::{Alone, Nearest, nearest};
use super::possible::impossible;
use super::{AccessTest, Boundary, Case, Expected, Mistake};
use crate::names::{InstallationId, shortened};
use crate::plan::{Fault, Reason, Refusal, Resolved};
use crate::policy::catalogue::nearest as nearest_names;
use crate::policy::evaluate::{self, Prepared};
use crate::policy::{Catalogue, Decision, Layer, Layers, Outcome, Policy, Request};

/// What cases are decided by.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// What is declared.
    pub world: &'a World,
    /// The installation whose roles they are.
    pub installation: &'a InstallationId,
    /// The actions that there are.
    pub catalogue: &'a Catalogue,
    /// What bounds the role.
    pub boundary: Option<&'a Boundary>,
}

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The case in a sentence, such as `shop/orders may s3:GetObject on arn:aws:s3:::orders-in/1`.
    pub claim: String,
    /// Whether it holds.
    pub holds: bool,
    /// What should be.
    pub expected: String,
    /// What is, and which scope or statement decided it.
    pub got: String,
    /// The scopes that allow what should be denied, each with its place.
    pub scopes: Vec<(String, Spot)>,
    /// What comes nearest to allowing what should be allowed.
    pub nearest: Option<Nearest>,
}

/// An identity as its cases find it.
enum Found<'a> {
    /// It has access.
    Open(Box<Open<'a>>),
    /// It has none.
    Refused(String),
}

struct Open<'a> {
    resolved: Resolved,
    layers: Layers<Prepared>,
    declared: &'a Declared,
    setting: Setting<'a>,
}

/// Decides every case of a test.
pub fn run(test: &AccessTest, setting: Setting<'_>) -> Result<Vec<Answer>, Mistake> {
    let (key, spot) = &test.identity;
    let declared = setting.world.identities.iter().find(|declared| declared.key == *key);
    let declared = declared.ok_or_else(|| Mistake { spot: spot.clone(), message: unknown(test, setting.world) })?;
    let judged = setting.world.judge(declared, setting.installation, setting.catalogue);
    let needs_access = |case: &Case| matches!(case.expected, Expected::May(_) | Expected::MayNot(_));
    let found = test.cases.iter().any(needs_access).then(|| find(&judged, setting)).transpose();
    let found = found.map_err(|message| Mistake { spot: spot.clone(), message })?;
    if let Some(mistake) = test.cases.iter().find_map(|case| nonsense(case, found.as_ref())) {
        return Err(mistake);
    }
    Ok(test.cases.iter().map(|case| answer(case, &judged, found.as_ref())).collect())
}

/// A denial that holds whatever is declared. That something impossible may be done fails by itself.
fn nonsense(case: &Case, found: Option<&Found<'_>>) -> Option<Mistake> {
    let (Expected::MayNot(request), Some(Found::Open(open))) = (&case.expected, found) else { return None };
    let scopes = &open.declared.identity.spec.scopes;
    let message = impossible(request, &open.resolved.account, scopes, open.setting.catalogue)?;
    Some(Mistake { spot: case.spot.clone(), message })
}

fn unknown(test: &AccessTest, world: &World) -> String {
    let names: Vec<String> = world.identities.iter().map(|declared| declared.key.to_string()).collect();
    let wanted = test.identity.0.to_string();
    let hint = match nearest_names(&wanted, names.iter().map(String::as_str)).first() {
        Some(first) => format!("did you mean `{}`?", shortened(first)),
        None => "name the files that do in `files`".to_owned(),
    };
    format!("the files hold no MachineIdentity `{}`; {hint}", shortened(&wanted))
}

/// The access that an identity has. Where what would accept it is not among the files, it is that
/// which it asks for.
fn find<'a>(judged: &Judged<'a>, setting: Setting<'a>) -> Result<Found<'a>, String> {
    let declared = judged.declared;
    if setting.world.has_policies() && setting.world.lacks_labels(declared) && !judged.missing.is_empty() {
        return Ok(Found::Refused(standing(judged)));
    }
    let resolved = match &judged.outcome {
        Ok(resolved) => resolved.clone(),
        Err(refusal) if judged.missing.is_empty() => return Ok(Found::Refused(refused(refusal, &[]))),
        Err(_) => match compiled(setting.world, declared, setting.installation, setting.catalogue) {
            Ok(resolved) => resolved,
            Err(faults) => return unsound(declared, &faults),
        },
    };
    let policy =
        |text: &str| Policy::read(text).map(|policy| Prepared::new(&policy)).map_err(|error| error.to_string());
    let layers = Layers {
        identity: vec![policy(resolved.desired.permissions.text())?],
        boundary: setting.boundary.map(|boundary| Prepared::new(&boundary.policy)),
        resource: Some(policy(&left_to(resolved.account.account.as_str()))?),
        ..Layers::default()
    };
    Ok(Found::Open(Box::new(Open { resolved, layers, declared, setting })))
}

/// An identity that compiles to nothing: refused, unless it is only that its account is not there.
fn unsound<'a>(declared: &Declared, faults: &[Fault]) -> Result<Found<'a>, String> {
    let Some(Fault { reason, message, .. }) = faults.first() else { return Err("nothing is known of it".to_owned()) };
    match reason {
        Reason::AccountNotFound => Err(format!("MachineIdentity `{}` cannot be decided: {message}", declared.key)),
        reason => Ok(Found::Refused(format!("refused with {}: {message}", reason.name()))),
    }
}

/// The policy of a resource that leaves everything to an account.
fn left_to(account: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"*","Resource":"*"}}]}}"#
    )
}

fn answer(case: &Case, judged: &Judged<'_>, found: Option<&Found<'_>>) -> Answer {
    let key = &judged.declared.key;
    match &case.expected {
        Expected::May(request) => access(&format!("{key} may"), request, true, found),
        Expected::MayNot(request) => access(&format!("{key} may not"), request, false, found),
        Expected::Accepted => {
            let got = standing(judged);
            let holds = judged.outcome.is_ok() && judged.missing.is_empty();
            plain(format!("{key} is accepted"), holds, "accepted".to_owned(), got)
        }
        Expected::Refused { reason, says } => {
            // One that is refused because something was forgotten proves nothing.
            let is_known = judged.missing.is_empty();
            let holds = is_known && judged.outcome.as_ref().is_err_and(|it| is_as_said(it, *reason, says));
            let mut expected = "refused".to_owned();
            if let Some(reason) = reason {
                let _ = write!(expected, " with {}", reason.name());
            }
            let claim = format!("{key} is {expected}");
            for text in says {
                let _ = write!(expected, ", saying `{}`", shortened(text));
            }
            plain(claim, holds, expected, standing(judged))
        }
    }
}

fn plain(claim: String, holds: bool, expected: String, got: String) -> Answer {
    Answer { claim, holds, expected, got, scopes: Vec::new(), nearest: None }
}

fn is_as_said(refusal: &Refusal, reason: Option<Reason>, says: &[String]) -> bool {
    let verdict = &refusal.verdict;
    reason.is_none_or(|reason| reason == verdict.reason) && says.iter().all(|text| verdict.message.contains(text))
}

fn standing(judged: &Judged<'_>) -> String {
    match &judged.outcome {
        Ok(_) if !judged.missing.is_empty() => {
            format!("not known: the files do not hold {}", judged.missing.join(" and "))
        }
        Ok(_) => "accepted".to_owned(),
        Err(refusal) => refused(refusal, &judged.missing),
    }
}

fn refused(refusal: &Refusal, missing: &[String]) -> String {
    let mut text = format!("refused with {}: {}", refusal.verdict.reason.name(), refusal.verdict.message);
    if !missing.is_empty() {
        let _ = write!(text, " (the files do not hold {})", missing.join(" and "));
    }
    text
}

fn access(who: &str, request: &Request, may: bool, found: Option<&Found<'_>>) -> Answer {
    let claim = format!("{who} {}", words(request));
    let expected = if may { "allowed" } else { "denied" }.to_owned();
    let open = match found {
        Some(Found::Open(open)) => open,
        Some(Found::Refused(why)) => return plain(claim, false, expected, why.clone()),
        None => return plain(claim, false, expected, "not decided".to_owned()),
    };
    let request = Request { principal: Some(open.resolved.role_arn.clone()), ..request.clone() };
    let decision = evaluate::decide(&open.layers, &request);
    let holds = if may { decision.outcome == Outcome::Allowed } else { decision.outcome.denies() };
    if holds {
        return plain(claim, true, expected.clone(), expected);
    }
    let scopes = Alone::each(open.declared, &open.resolved.account, open.setting.installation, open.setting.catalogue);
    let allowing: Vec<&Alone> = scopes.iter().filter(|scope| scope.allows(&request)).collect();
    let near = (allowing.is_empty() && decision.outcome == Outcome::ImplicitDeny)
        .then(|| nearest(&scopes, &request, open.setting.catalogue));
    Answer {
        got: got(&decision, &allowing, open.setting.boundary),
        claim,
        holds,
        expected,
        scopes: allowing.iter().map(|scope| (scope.name.clone(), scope.spot.clone())).collect(),
        nearest: near.flatten(),
    }
}

/// What was decided, and by what.
fn got(decision: &Decision, allowing: &[&Alone], boundary: Option<&Boundary>) -> String {
    let names: Vec<String> = allowing.iter().map(|scope| format!("`{}`", scope.name)).collect();
    let scopes = match &names[..] {
        [one] => format!("scope {one} allows it"),
        several => format!("scopes {} allow it", several.join(", ")),
    };
    let file = boundary.map_or("", |boundary| boundary.file.as_str());
    match decision.outcome {
        Outcome::Allowed => format!("allowed: {scopes}"),
        Outcome::ExplicitDeny => {
            let denying = decision.matched.iter().find(|matched| matched.layer == Layer::Boundary);
            let name = denying.map_or_else(String::new, |matched| match &matched.sid {
                Some(sid) => format!(" `{}`", shortened(sid)),
                None => format!(" {}", matched.statement),
            });
            format!("denied: statement{name} of the boundary `{file}` denies it")
        }
        Outcome::ImplicitDeny if names.is_empty() => "denied: no scope allows it".to_owned(),
        Outcome::ImplicitDeny => format!("denied: {scopes}, but the boundary `{file}` does not"),
        Outcome::Unknown => {
            let reason = decision.reason.as_deref().unwrap_or("the policies do not tell");
            format!("not known: {reason}")
        }
    }
}

/// A request in words, such as `s3:GetObject on arn:aws:s3:::orders-in/1 with aws:SourceVpce vpce-1a2b3c4d`.
fn words(request: &Request) -> String {
    let mut text = request.action.clone();
    if request.resource != "*" {
        let _ = write!(text, " on {}", request.resource);
    }
    for (index, value) in request.context.iter().enumerate() {
        let joint = if index == 0 { "with" } else { "and" };
        let _ = write!(text, " {joint} {} {}", value.key, value.values.join("|"));
    }
    text
}
