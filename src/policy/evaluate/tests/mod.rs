//! What the evaluator answers, rule by rule. The numbers are those of the list
//! of semantics that the engine keeps to; where a rule is not obvious, the page
//! of the documentation stands beside it.

mod actions;
mod callers;
mod conditions;
mod layers;
mod operators;
mod unknown;
mod variables;

use super::super::request::{Decision, Layer, Layers, Outcome, Request};
use super::super::statement::Policy;
use super::{Prepared, alone, decide};
use crate::names::AccountId;

const ACCOUNT: &str = "111122223333";
const OTHER_ACCOUNT: &str = "444455556666";
const USER: &str = "arn:aws:iam::111122223333:user/ann";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/run-7";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/fay";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const FOREIGNER: &str = "arn:aws:iam::444455556666:user/bob";
const OBJECT: &str = "arn:aws:s3:::orders/a.csv";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";

const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const NOTHING: &str = r#"{"Effect":"Allow","Action":"none:None","Resource":"*"}"#;
const EVERYBODY: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;

/// A policy of these statements.
fn policy(statements: &str) -> Prepared {
    document(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#))
}

fn document(text: &str) -> Prepared {
    Prepared::new(&Policy::read(text).unwrap())
}

/// A statement about one action and one resource.
fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
}

fn allow(action: &str, resource: &str) -> String {
    statement("Allow", action, resource)
}

fn deny(action: &str, resource: &str) -> String {
    statement("Deny", action, resource)
}

/// A statement of a resource's policy about everything, for a principal.
fn for_principal(effect: &str, element: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"{effect}","{element}":{principal},"Action":"*","Resource":"*"}}"#)
}

/// A statement of a resource's policy that allows everything to a principal under `AWS`.
fn trusts(principal: &str) -> String {
    for_principal("Allow", "Principal", &format!(r#"{{"AWS":"{principal}"}}"#))
}

/// Everything, under a condition.
fn allow_if(condition: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#)
}

/// A question.
#[derive(Clone)]
struct Ask {
    layers: Layers<Prepared>,
    request: Request,
}

fn ask(action: &str, resource: &str) -> Ask {
    let request = Request { action: action.into(), resource: resource.into(), ..Request::default() };
    Ask { layers: Layers::default(), request }
}

/// A question about an object, of the user.
fn read() -> Ask {
    ask("s3:GetObject", OBJECT).by(USER)
}

impl Ask {
    fn by(mut self, principal: &str) -> Self {
        self.request.principal = Some(principal.into());
        self
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.request.context.set(key, value);
        self
    }

    fn with_list(mut self, key: &str, values: &[&str]) -> Self {
        self.request.context.set_list(key, values.iter().map(|&value| value.to_owned()).collect());
        self
    }

    fn identity(mut self, statements: &str) -> Self {
        self.layers.identity.push(policy(statements));
        self
    }

    fn boundary(mut self, statements: &str) -> Self {
        self.layers.boundary = Some(policy(statements));
        self
    }

    fn session(mut self, statements: &str) -> Self {
        self.layers.session = Some(policy(statements));
        self
    }

    fn resource(mut self, statements: &str) -> Self {
        self.layers.resource = Some(policy(statements));
        self
    }

    /// A level with one policy.
    fn scp(mut self, statements: &str) -> Self {
        self.layers.scps.push(vec![policy(statements)]);
        self
    }

    fn rcp(mut self, statements: &str) -> Self {
        self.layers.rcps.push(vec![policy(statements)]);
        self
    }

    fn managed_by(mut self, account: &str) -> Self {
        self.layers.management_account = Some(AccountId::parse(account).unwrap());
        self
    }

    fn decision(&self) -> Decision {
        decide(&self.layers, &self.request)
    }

    fn outcome(&self) -> &'static str {
        self.decision().outcome.name()
    }

    fn reason(&self) -> String {
        self.decision().reason.unwrap_or_default()
    }

    /// The statements that decided, such as `identity[0].1`.
    fn matched(&self) -> Vec<String> {
        self.decision().matched.iter().map(|hit| format!("{}.{}", hit.layer, hit.statement)).collect()
    }
}

/// What one policy of an identity says.
fn says(statements: &str, action: &str, resource: &str) -> &'static str {
    ask(action, resource).identity(statements).outcome()
}

const ALLOWED: &str = "allowed";
const EXPLICIT: &str = "explicitDeny";
const IMPLICIT: &str = "implicitDeny";
const UNKNOWN: &str = "unknown";

/// Whether an answer is yes; one that is unknown fails the test.
fn certainly(outcome: &str) -> bool {
    assert_ne!(outcome, UNKNOWN);
    outcome == ALLOWED
}
