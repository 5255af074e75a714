//! Blocks of words for people.

use std::fmt::Write as _;

use crate::names::printable;
use crate::policy::{Context, Request};

/// A request as a block of four lines or more, each moved in.
pub(super) fn request(out: &mut String, indent: &str, request: &Request) {
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{indent}{name:<9} {}", printable(value));
    };
    line("action", &request.action);
    line("resource", &request.resource);
    if let Some(principal) = &request.principal {
        line("principal", if principal == "*" { "* (anybody, without credentials)" } else { principal });
    }
    for (index, entry) in keys(&request.context).into_iter().enumerate() {
        line(if index == 0 { "context" } else { "" }, &entry);
    }
}

fn keys(context: &Context) -> Vec<String> {
    let entry = |value: &crate::policy::ContextValue| match value.values.as_slice() {
        [only] if !value.list => format!("{} = {only}", value.key),
        several => format!("{} = [{}]", value.key, several.join(", ")),
    };
    context.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_block() {
        let mut context = Context::default();
        context.set("aws:SourceVpce", "vpce-1");
        context.set_list("aws:TagKeys", vec!["a".into(), "b".into()]);
        context.set_list("aws:Zone", vec!["one".into()]);
        let mut asked = Request {
            action: "s3:GetObject".into(),
            resource: "arn:aws:s3:::b/\u{1b}[31mk".into(),
            principal: None,
            context: Context::default(),
        };
        let mut out = String::new();
        request(&mut out, "  ", &asked);
        assert_eq!(out, "  action    s3:GetObject\n  resource  arn:aws:s3:::b/\u{fffd}[31mk\n");
        asked.principal = Some("*".into());
        asked.context = context;
        let mut out = String::new();
        request(&mut out, "", &asked);
        let lines: Vec<&str> = out.lines().skip(2).collect();
        let expected = [
            "principal * (anybody, without credentials)",
            "context   aws:SourceVpce = vpce-1",
            "          aws:TagKeys = [a, b]",
            "          aws:Zone = [one]",
        ];
        assert_eq!(lines, expected);
    }
}
