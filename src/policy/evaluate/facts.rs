//! A request, ready to be asked: its caller, its resource in parts, its keys
//! with those that follow from the caller.

use super::super::pattern::Variable;
use super::super::request::Request;
use super::caller::Caller;
use crate::names::is_account_id;

/// What is known of a request.
#[derive(Debug)]
pub(super) struct Facts<'r> {
    request: &'r Request,
    /// The action in lower case.
    pub(super) action: String,
    pub(super) resource: ArnText<'r>,
    pub(super) caller: Caller<'r>,
    derived: Derived,
    /// The account of the caller, where it is known.
    pub(super) caller_account: Option<String>,
    /// The account of the resource: of its ARN, else of `aws:ResourceAccount`, else the caller's.
    pub(super) resource_account: Option<String>,
}

/// A text that may be an ARN.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArnText<'r> {
    pub(super) text: &'r str,
    /// Its six parts, if it has so many.
    pub(super) parts: Option<[&'r str; 6]>,
}

/// Keys that the request lacks and that are certain nevertheless.
#[derive(Debug, Default)]
struct Derived {
    principal_arn: Option<String>,
    principal_account: Option<String>,
    principal_type: Option<String>,
    username: Option<String>,
    resource_account: Option<String>,
}

/// The values of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'f> {
    pub(super) values: &'f [String],
    /// Whether they are a list, be it of one.
    pub(super) list: bool,
}

impl<'r> ArnText<'r> {
    pub(super) fn new(text: &'r str) -> Self {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        let six = (|| Some([next()?, next()?, next()?, next()?, next()?, next()?]))();
        Self { text, parts: six }
    }

    /// The service, and what follows the fifth colon.
    pub(super) fn service_and_tail(&self) -> Option<(&'r str, &'r str)> {
        self.parts.map(|[_, _, service, _, _, tail]| (service, tail))
    }

    fn account(&self) -> Option<&'r str> {
        self.parts.map(|[_, _, _, _, account, _]| account).filter(|account| is_account_id(account))
    }
}

impl<'f> Given<'f> {
    /// Whether all there is is empty text: for set operators and variables that is no value at
    /// all (IAM user guide, condition operators: "a null dataset, such as an empty string").
    pub(super) fn is_empty_text(self) -> bool {
        self.values.iter().all(String::is_empty)
    }

    /// The one value of a key that is no list.
    pub(super) fn single(self) -> Option<&'f str> {
        match self.values {
            [only] if !self.list => Some(only),
            _ => None,
        }
    }
}

impl<'r> Facts<'r> {
    pub(super) fn of(request: &'r Request) -> Self {
        let resource = ArnText::new(&request.resource);
        let caller = Caller::of(request.principal.as_deref());
        let single = |key: &str| {
            let value = request.context.get(key)?;
            Given { values: &value.values, list: value.list }.single().filter(|text| is_account_id(text))
        };
        let own =
            caller.account().or_else(|| matches!(caller, Caller::Unnamed).then(|| single("aws:principalaccount"))?);
        let of_resource = resource.account().or_else(|| single("aws:resourceaccount")).or(own);
        let of_caller = own.or_else(|| matches!(caller, Caller::Unnamed).then_some(of_resource)?);
        let derived = Derived {
            principal_arn: caller.principal_arn(),
            principal_account: caller.account().map(str::to_owned),
            principal_type: caller.principal_type().map(str::to_owned),
            username: caller.username().map(str::to_owned),
            resource_account: resource.account().map(str::to_owned),
        };
        Self {
            request,
            action: request.action.to_ascii_lowercase(),
            resource,
            caller_account: of_caller.map(str::to_owned),
            resource_account: of_resource.map(str::to_owned),
            caller,
            derived,
        }
    }

    /// The values of a key, which is given in lower case; nothing if it is absent.
    pub(super) fn get(&self, key: &str) -> Option<Given<'_>> {
        if let Some(value) = self.request.context.get(key) {
            // More than one value is a list, whatever the request calls it.
            return Some(Given { values: &value.values, list: value.list || value.values.len() > 1 });
        }
        let derived = match key {
            "aws:principalarn" => &self.derived.principal_arn,
            "aws:principalaccount" => &self.derived.principal_account,
            "aws:principaltype" => &self.derived.principal_type,
            "aws:username" => &self.derived.username,
            "aws:resourceaccount" => &self.derived.resource_account,
            _ => return None,
        };
        derived.as_ref().map(|value| Given { values: std::slice::from_ref(value), list: false })
    }

    /// What stands for a variable: the value of its key, or its default. A list stands for nothing
    /// (IAM user guide, "Single-valued vs. multivalued context keys").
    pub(super) fn variable<'s>(&'s self, variable: &'s Variable) -> Option<&'s str> {
        let value = self.get(&variable.key).and_then(Given::single).filter(|value| !value.is_empty());
        value.or(variable.default.as_deref())
    }

    /// Whether the values of this key follow from the ARN of a session, which does not show the path
    /// of its role.
    pub(super) fn lacks_path(&self, key: &str) -> bool {
        key == "aws:principalarn"
            && matches!(self.caller, Caller::Session { .. })
            && self.request.context.get(key).is_none()
    }

    /// Whether caller and resource belong to one account.
    pub(super) fn same_account(&self) -> bool {
        self.caller_account == self.resource_account
    }
}
