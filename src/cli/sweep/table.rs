//! A sweep's answer in words, no wider than a page.

use super::judge::{Compared, LeftOver, Row, State};
use super::reaching::{Path, Reaching};
use super::trusting::{Role, Trusting};
use super::{Answer, Report};
use crate::cli::columns::wrapped;
use crate::cli::diff::example;
use crate::cli::report::number;

/// The whole answer.
pub fn words(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    out.push('\n');
    match &report.answer {
        Answer::Compared(compared) => self::compared(&mut out, compared),
        Answer::Trusting(trusting) => self::trusting(&mut out, trusting, report.complete),
        Answer::Reaching(reaching) => self::reaching(&mut out, reaching, report.complete),
    }
    out.push_str("\nnot looked at:\n");
    for what in &report.not_looked_at {
        wrapped(&mut out, 2, what);
    }
    out
}

fn head(out: &mut String, report: &Report) {
    let Report { account, account_id, installation, role_path, pages, roles, ours, .. } = report;
    wrapped(
        out,
        0,
        &format!("account `{account}` ({account_id}), installation `{installation}`, roles under {role_path}"),
    );
    let calls = usize::try_from(report.calls.values().sum::<u64>()).unwrap_or(usize::MAX);
    let (pages, calls, all) = (number(*pages, "page"), number(calls, "call"), number(*roles, "role"));
    wrapped(out, 0, &format!("read {pages} with {calls}: {all}, {ours} of them on that path"));
    if let Some(problem) = &report.problem {
        wrapped(out, 0, &format!("PARTIAL: the rest was not read: {problem}"));
        wrapped(out, 0, "nothing is said about roles that were not seen");
    }
}

fn compared(out: &mut String, compared: &Compared) {
    for row in compared.identities.iter().filter(|row| row.state > State::InSync) {
        self::row(out, row);
    }
    for orphan in &compared.orphans {
        left_over(out, "orphan", orphan, &format!("its identity {} is gone", identity(orphan)));
    }
    for retained in &compared.retained {
        left_over(out, "retained", retained, &format!("left behind on purpose by {}", identity(retained)));
    }
    for stray in &compared.strays {
        left_over(out, "stray", stray, "its name and tags do not say that Ambit made it");
    }
    let states = [
        (State::InSync, "in sync"),
        (State::Cosmetic, "in sync in another spelling"),
        (State::Drifted, "drifted"),
        (State::Missing, "missing"),
        (State::Foreign, "foreign"),
        (State::Revoked, "revoked"),
        (State::Suspended, "suspended"),
        (State::Refused, "refused"),
        (State::Deleting, "being deleted"),
        (State::NotSeen, "not seen"),
    ];
    let counts = states.map(|(state, words)| (compared.count(state), words));
    let said = counts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
    let mut said: Vec<String> = said.collect();
    let left_over = [
        (compared.orphans.len(), "orphan"),
        (compared.retained.len(), "retained role"),
        (compared.strays.len(), "stray role"),
    ];
    said.extend(left_over.iter().filter(|(count, _)| *count > 0).map(|(count, what)| number(*count, what)));
    let sum = if said.is_empty() { "no identity uses this account".to_owned() } else { said.join(", ") };
    if compared.differs() || !out.ends_with("\n\n") {
        out.push('\n');
    }
    wrapped(out, 0, &sum);
}

fn left_over(out: &mut String, what: &str, role: &LeftOver, why: &str) {
    let used = last_used(role.last_used.as_ref());
    wrapped(out, 0, &format!("{what}: role {}: {why}; last used: {used}", role.role));
}

fn identity(role: &LeftOver) -> &str {
    role.identity.as_deref().unwrap_or("an identity that is not known")
}

fn row(out: &mut String, row: &Row) {
    let state = match row.state {
        State::InSync | State::Cosmetic => "in sync in another spelling",
        State::Revoked => "revoked",
        State::Suspended => "suspended",
        State::Deleting => "being deleted",
        State::Refused => "refused",
        State::NotSeen => "not seen",
        State::Missing => "MISSING",
        State::Foreign => "FOREIGN, and untouched",
        State::Drifted => "DRIFTED",
    };
    let about = row.about.as_ref().map(|about| format!(": {about}")).unwrap_or_default();
    wrapped(out, 0, &format!("{}: role {}: {state}{about}", row.identity, row.role));
    for item in &row.differences {
        let subject = item.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
        wrapped(out, 2, &format!("{}{subject}: {}, {}: {}", item.part, item.class, item.severity, item.summary));
        if let Some(witness) = &item.witness {
            wrapped(out, 4, &format!("witness: {}", example(witness)));
        }
    }
}

fn trusting(out: &mut String, trusting: &Trusting, complete: bool) {
    let open = trusting.roles.iter().filter(|role| !role.closed).count();
    let closed = trusting.roles.len() - open;
    let among = if complete { "" } else { " among those that were seen" };
    if trusting.roles.is_empty() {
        wrapped(out, 0, &format!("no role{among} trusts {}", trusting.issuer));
        return;
    }
    wrapped(
        out,
        0,
        &format!("{} trust {}{among}: {open} open, {closed} closed", number(open + closed, "role"), trusting.issuer),
    );
    for role in &trusting.roles {
        out.push('\n');
        self::role(out, role);
    }
    if open > 0 {
        out.push('\n');
        wrapped(out, 0, "by their inline policies, tokens of this issuer can:");
        for text in &trusting.union {
            wrapped(out, 2, text.strip_prefix("can ").unwrap_or(text));
        }
        if trusting.union.is_empty() {
            wrapped(out, 2, "do nothing");
        }
        if trusting.less_denials {
            wrapped(out, 2, "less what single roles deny themselves, as listed above");
        }
        let unread = trusting.roles.iter().filter(|role| role.may_do_more()).count();
        if unread > 0 {
            let roles = number(unread, "role");
            let what = format!("the attached or unreadable policies of {roles} allow, which were not read");
            wrapped(out, 2, &format!("and whatever {what}"));
        }
    }
}

fn role(out: &mut String, role: &Role) {
    let whose = match (&role.identity, role.ours) {
        (Some(identity), true) => format!("MachineIdentity {identity}"),
        _ => "not Ambit's".to_owned(),
    };
    let state = match (role.closed, &role.undecided) {
        (true, _) => "closed: it may do nothing".to_owned(),
        (false, None) => "open".to_owned(),
        (false, Some(why)) => format!("perhaps open: {why}"),
    };
    wrapped(out, 0, &format!("role {}: {state}", role.arn));
    wrapped(out, 2, &format!("{whose}; last used: {}", last_used(role.last_used.as_ref())));
    for text in &role.trust {
        wrapped(out, 2, &format!("trust: {text}"));
    }
    for text in &role.reach {
        wrapped(out, 2, text);
    }
    for arn in &role.attached {
        wrapped(out, 2, &format!("attached, and not read: {arn}"));
    }
    for what in &role.unreadable {
        wrapped(out, 2, &format!("cannot be read: inline policy {what}"));
    }
}

fn reaching(out: &mut String, reaching: &Reaching, complete: bool) {
    let among = if complete { "" } else { " among the roles that were seen" };
    if reaching.paths.is_empty() {
        wrapped(out, 0, &format!("nobody{among} reaches {}", reaching.resource));
        return;
    }
    for path in &reaching.paths {
        wrapped(out, 0, &way(path, &reaching.resource));
    }
}

/// One way in one sentence.
fn way(path: &Path, resource: &str) -> String {
    let role = path.role_arn.rsplit('/').next().unwrap_or(&path.role_arn);
    let who = match (&path.service_account, &path.identity) {
        (Some(account), Some(identity)) => format!("pods of service account {account} → MachineIdentity {identity}"),
        (None, Some(identity)) => format!("MachineIdentity {identity}"),
        _ => "whoever the trust of a left-over role lets in".to_owned(),
    };
    let what = match &path.undecided {
        Some(why) => format!("perhaps: {why}"),
        None => path.can.join("; "),
    };
    let statement = match path.statement.as_str() {
        "?" => format!("policy {}", path.policy),
        sid => format!("statement {sid} of policy {}", path.policy),
    };
    let used = last_used(path.last_used.as_ref());
    format!("{who} → role {role} → {statement} → {resource}: {what}; last used: {used}")
}

fn last_used(time: Option<&String>) -> String {
    time.cloned().unwrap_or_else(|| "no use known".to_owned())
}
