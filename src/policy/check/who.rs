//! Who a statement is about, and what the kind of policy allows to stand there.

use super::code::{Code, Severity};
use super::contradiction::name as key_name;
use super::report::Report;
use super::spot::Step;
use super::spot::Step::{At, In};
use super::values::{Parsed, parsed};
use super::wild::{is_star, matches};
use super::{Kind, Subject};
use crate::names::{is_account_id, shortened};
use crate::policy::is_pattern;
use crate::policy::operator::Comparison;
use crate::policy::statement::{Principal, Statement, Who};

/// Keys that say nothing about who calls or from where.
const ABOUT_NOBODY: [&str; 9] = [
    "aws:securetransport",
    "aws:currenttime",
    "aws:epochtime",
    "aws:useragent",
    "aws:referer",
    "aws:requestedregion",
    "s3:tlsversion",
    "s3:signatureversion",
    "s3:authtype",
];

/// Reports on principals and on what the kind of policy refuses.
pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (index, statement) in subject.statements() {
        let mut look = Look { subject, index, statement, report };
        look.kind();
        look.negations();
        if let Some(principal) = &statement.principal {
            look.principal(principal);
        }
    }
}

struct Look<'l, 's, 't> {
    subject: &'l Subject<'s>,
    index: usize,
    statement: &'l Statement,
    report: &'l mut Report<'t>,
}

impl Look<'_, '_, '_> {
    fn way<'n>(&self, name: &'n str) -> [Step<'n>; 3] {
        [In("Statement"), At(self.index), In(name)]
    }

    fn principal_name(&self) -> &'static str {
        match &self.statement.principal {
            Some(principal) if principal.negated => "NotPrincipal",
            _ => "Principal",
        }
    }

    fn resource_name(&self) -> &'static str {
        match &self.statement.resource {
            Some(clause) if clause.negated => "NotResource",
            _ => "Resource",
        }
    }

    /// What must and what cannot stand in this kind of policy.
    fn kind(&mut self) {
        let (kind, words) = (self.subject.kind, self.subject.kind.words());
        let way = [In("Statement"), At(self.index)];
        match &self.statement.principal {
            None if kind.has_principals() => {
                let message = format!("`Principal` is missing: in {words} a statement without it never matches");
                self.report.add(Code::PrincipalMissing, &way, message, "say who: `\"Principal\": {\"AWS\": \"…\"}`");
            }
            Some(_) if !kind.has_principals() => {
                let name = self.principal_name();
                let message = format!("`{name}` cannot stand in {words}");
                let help = "the policy applies to whatever it is attached to: take the element away";
                self.report.add_name(Code::NotOfThisKind, &self.way(name), message, help);
            }
            _ => {}
        }
        match &self.statement.resource {
            None if !matches!(kind, Kind::Resource | Kind::Trust) => {
                let message = "`Resource` or `NotResource` is missing";
                self.report.add(
                    Code::NotAPolicy,
                    &way,
                    message,
                    format!("every statement of {words} says which resources it is about"),
                );
            }
            Some(_) if kind == Kind::Trust => {
                let name = self.resource_name();
                let message = format!("`{name}` cannot stand in {words}");
                self.report.add_name(
                    Code::NotOfThisKind,
                    &self.way(name),
                    message,
                    "the resource is the role itself: take the element away",
                );
            }
            _ => {}
        }
        match kind {
            Kind::Trust => self.trust_actions(),
            Kind::Rcp => self.rcp(),
            _ => {}
        }
    }

    fn trust_actions(&mut self) {
        let name = if self.statement.action.negated { "NotAction" } else { "Action" };
        for (at, action) in self.statement.action.values.iter().enumerate() {
            if !action.to_ascii_lowercase().starts_with("sts:") {
                let way = [In("Statement"), At(self.index), In(name), At(at)];
                let message =
                    format!("`{}` cannot stand in a trust policy: it takes only actions of `sts`", shortened(action));
                self.report.add(
                    Code::NotOfThisKind,
                    &way,
                    message,
                    "use `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity` or `sts:AssumeRoleWithSAML`",
                );
            }
        }
    }

    fn rcp(&mut self) {
        if self.statement.allows {
            let message = "an Allow cannot stand in a resource control policy: it can only deny";
            self.report.add(Code::NotOfThisKind, &self.way("Effect"), message, "write the statement as a Deny");
        }
        let everyone = match &self.statement.principal {
            Some(Principal { negated: false, who: Who::Everyone }) | None => true,
            Some(Principal { negated: false, who: Who::Named(named) }) => {
                named.iter().all(|(kind, values)| kind == "AWS" && values.iter().all(|value| is_star(value)))
            }
            Some(_) => false,
        };
        if !everyone {
            let message = "a resource control policy names nobody: its principal must be `*`";
            self.report.add(
                Code::NotOfThisKind,
                &self.way(self.principal_name()),
                message,
                "say who in a condition, for example with `aws:PrincipalOrgID`",
            );
        }
    }

    /// Elements that reach whatever they do not name.
    fn negations(&mut self) {
        let statement = self.statement;
        if !self.subject.kind.grants() || !statement.allows {
            return;
        }
        if statement.action.negated {
            let message =
                "Allow with `NotAction` allows every other action of every service, also those that AWS makes later";
            self.report.add_name(
                Code::AllowNotAction,
                &self.way("NotAction"),
                message,
                "name the actions that are needed under `Action`",
            );
        }
        if statement.resource.as_ref().is_some_and(|clause| clause.negated) {
            let message = "Allow with `NotResource` allows every other resource, also those that are made later";
            self.report.add_name(
                Code::AllowNotResource,
                &self.way("NotResource"),
                message,
                "name the resources that are needed under `Resource`",
            );
        }
    }

    fn principal(&mut self, principal: &Principal) {
        if !self.subject.kind.has_principals() {
            return;
        }
        if principal.negated {
            self.negated();
        }
        match &principal.who {
            Who::Everyone if !principal.negated => self.everyone(&self.way("Principal")),
            Who::Everyone => {}
            Who::Named(named) => {
                for (kind, values) in named {
                    for (at, value) in values.iter().enumerate() {
                        let name = self.principal_name();
                        let way = [In("Statement"), At(self.index), In(name), In(kind), At(at)];
                        if kind == "AWS" && is_star(value) && !principal.negated {
                            self.everyone(&way);
                        } else {
                            self.named(kind, value, &way);
                        }
                    }
                }
            }
        }
    }

    fn negated(&mut self) {
        let way = self.way("NotPrincipal");
        if self.statement.allows {
            let message = "Allow with `NotPrincipal` allows everyone else, anonymous callers included";
            self.report.add_name(Code::AllowNotPrincipal, &way, message, "name under `Principal` who may");
        } else {
            let message = "Deny with `NotPrincipal` also denies those it names, where they have a permissions boundary";
            let help = "use `\"Principal\": \"*\"` with a condition such as `ArnNotEquals` on `aws:PrincipalArn`";
            self.report.add_name(Code::DenyNotPrincipal, &way, message, help);
        }
    }

    fn everyone(&mut self, way: &[Step<'_>]) {
        if !self.statement.allows || self.subject.kind == Kind::Rcp || parsed(self.statement).iter().any(narrows) {
            return;
        }
        let (severity, message) = if self.subject.kind == Kind::Trust {
            (Severity::Error, "everyone with any AWS account may assume the role: no condition says who")
        } else {
            (Severity::Warning, "everyone may do this, anonymous callers included: no condition says who")
        };
        let help = "name the principals, or add a condition such as `StringEquals` on `aws:PrincipalOrgID`";
        self.report.add_as(severity, Code::Everyone, way, message, help);
    }

    fn named(&mut self, kind: &str, value: &str, way: &[Step<'_>]) {
        let short = shortened(value);
        if is_pattern(value) && !(kind == "AWS" && is_star(value)) {
            let message = format!("`{short}` names nobody: principals have no wildcards");
            let help = "use `\"Principal\": {\"AWS\": \"*\"}` with a condition `ArnLike` on `aws:PrincipalArn`";
            return self.report.add(Code::MalformedPrincipal, way, message, help);
        }
        let (good, must) = match kind {
            "AWS" => (is_aws(value), "be an account, or the ARN of a user, a role or a session"),
            "Service" => (
                value.contains('.') && !value.contains([':', '/', ' ']),
                "be the name of a service such as `ec2.amazonaws.com`",
            ),
            "Federated" => (
                value.starts_with("arn:") && value.contains("-provider/")
                    || value.contains('.') && !value.contains([':', ' ']),
                "be the ARN of an identity provider, or its host",
            ),
            _ => (true, ""),
        };
        if !good {
            let message = format!("`{short}` is not a principal of kind `{kind}`: it must {must}");
            self.report.add(
                Code::MalformedPrincipal,
                way,
                message,
                "AWS refuses a policy whose principals do not exist",
            );
        } else if kind == "Federated" && self.is_open(value) {
            let message = format!("every token of `{short}` is trusted: no condition says whose");
            let help = "compare the claim `sub` of the token with `StringEquals`, under the name of the provider";
            self.report.add(Code::OpenFederation, way, message, help);
        }
    }

    /// Whether a web identity provider is trusted without a word about the subject.
    fn is_open(&self, provider: &str) -> bool {
        let takes_tokens = |action: &String| matches(action, "sts:AssumeRoleWithWebIdentity", true);
        if !self.statement.allows
            || self.statement.action.negated
            || !self.statement.action.values.iter().any(takes_tokens)
        {
            return false;
        }
        // Providers for everybody's applications: there the audience is the application.
        let shared = !provider.contains("oidc-provider/");
        let says_whose = |parsed: &Parsed<'_>| {
            let claim = parsed.test.key.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
            let is_claim = parsed.test.key.contains('.') && (shared || claim != "aud");
            is_claim && narrows(parsed)
        };
        !parsed(self.statement).iter().any(says_whose)
    }
}

/// Whether a condition keeps some callers out.
fn narrows(parsed: &Parsed<'_>) -> bool {
    let everything = |value: &String| is_star(value) || value == "0.0.0.0/0" || value == "::/0";
    !parsed.holds_without_key()
        && parsed.operator.comparison != Comparison::Null
        && !parsed.test.values.iter().any(everything)
        && !ABOUT_NOBODY.contains(&key_name(&parsed.test.key).as_ref())
}

fn is_aws(value: &str) -> bool {
    let is_id = value.len() >= 16
        && value.starts_with('A')
        && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let mut parts = value.splitn(6, ':');
    let is_arn = parts.next() == Some("arn") && {
        let (service, account, resource) = (parts.nth(1), parts.nth(1), parts.next());
        matches!(service, Some("iam" | "sts"))
            && account.is_some_and(|account| is_account_id(account) || account == "cloudfront")
            && resource.is_some_and(|resource| !resource.is_empty())
    };
    is_account_id(value) || is_id || is_arn
}
