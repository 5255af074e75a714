//! `ambit plan`: what a change of files changes in meaning.

mod json;
mod markdown;
mod sarif;
mod table;
#[cfg(test)]
mod tests;

use std::num::NonZero;

use clap::{Args, ValueEnum};

use super::{Exit, answer, files::Files, report};
use crate::offline::change::{Change, Ground, Means, Verdict, Way, changes};
use crate::offline::{Code, Finding};
use crate::policy::Catalogue;
use crate::policy::check::Severity;

/// Which files, against what, and how to print what changes.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// What was before: a file or folder; a revision of git, at which the files of --file are read; or `-`
    /// for standard input. A file or folder of that name comes first
    #[arg(long, value_name = "BASE")]
    base: String,
    /// The loosest change that ends with an exit code other than 0
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = FailOn::Any)]
    fail_on: FailOn,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

pub(super) const HELP: &str = "\
Example:
  $ ambit plan -f env/prod --base origin/main
  ~ shop/orders  AWS  role shop-orders-3nd6a5qczt
    + s3:DeleteObject on arn:aws:s3:::orders-in/*   [WIDER, data loss]
      can now delete object `orders-in/x`
      for example s3:DeleteObject on arn:aws:s3:::orders-in/x
  1 to change, 0 to create, 0 to delete; 1 widens access

What is compared is what identities mean, not how they are written. What the cluster has beside the
files (accounts, scope policies, namespaces) belongs to the files of both sides or is named with --with,
and then stands beside both. A scope policy that changes in the files is tried on all identities: those in
the files and those in --with. So this shows whom an edit of policies would hit:
  $ ambit plan -f policies/ --base origin/main --with identities/

Exit code:
  0  no change in meaning, or none that --fail-on asks for
  1  access narrows, or something else changes; or the new files or an identity in them are refused
  2  a file cannot be read, or what was before is broken, so that there is nothing to compare with
  3  access widens, or may: also by a new identity, or where it cannot be decided

--fail-on, from the loosest to the strictest; each asks for all that stands before it too:
  never      nothing that the plan says: only broken files are told by the exit code
  data-loss  3 where new access can destroy data or change who has access, where somebody else gets
             access, or where it cannot be decided; 1 where an identity is refused
  wider      3 where access widens in any way
  any        1 where anything changes but the way in which it is written

-o json: `summary` counts; `changes` has for each identity `identity`, `action` (create, change, delete),
`verdict` (wider, narrower, both, undecided, settings, cosmetic, created, deleted, refused,
noLongerAllowed, nowAllowed), `widens`, `items` (each with `part`, `way`, `labels`, `what`, `english`,
`witness`), `notes` and `refusal`; `findings` is what is wrong with the new files themselves.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Words for people
    Table,
    /// JSON for programs
    Json,
    /// A comment on a pull request
    Markdown,
    /// Findings for code hosts
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum FailOn {
    Never,
    DataLoss,
    Wider,
    Any,
}

/// How much that is broken in what was before is told in full.
const MOST_BROKEN: usize = 20;

/// All that there is to tell.
#[derive(Debug)]
struct Report {
    changes: Vec<Change>,
    /// What is wrong with the new files by themselves.
    findings: Vec<Finding>,
    /// Whether so much is wrong with them that nothing can be compared.
    is_void: bool,
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts {
    change: usize,
    create: usize,
    delete: usize,
    widens: usize,
    refused: usize,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let sides = arguments.files.sides(&arguments.base)?;
    let broken: Vec<&Finding> = sides.broken.iter().filter(|finding| is_error(finding)).collect();
    if !broken.is_empty() {
        return Err(nothing_to_compare_with(&broken));
    }
    let is_empty = sides.old.identities.is_empty() && sides.new.identities.is_empty();
    if is_empty && sides.findings.is_empty() {
        return Err(
            "there is nothing to compare: neither side holds a MachineIdentity; name the files that do with -f, or those of the cluster with --with"
                .to_owned(),
        );
    }
    let report = Report::of(sides.findings, || {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let installation = &arguments.files.installation;
        changes(&sides.old, &sides.new, Ground { installation, catalogue: Catalogue::embedded(), threads })
    });
    let text = match arguments.output {
        Format::Table => table::of(&report),
        Format::Json => json::of(&report)?,
        Format::Markdown => markdown::of(&report),
        Format::Sarif => sarif::of(&report)?,
    };
    answer(&text)?;
    Ok(report.exit(arguments.fail_on))
}

fn nothing_to_compare_with(broken: &[&Finding]) -> String {
    let mut text = "what was before or stands beside is broken, so there is nothing to compare with\n".to_owned();
    for finding in broken.iter().take(MOST_BROKEN) {
        text.extend([report::line(finding).as_str(), "\n"]);
    }
    if let Some(more @ 1..) = broken.len().checked_sub(MOST_BROKEN) {
        text.extend(["and ", &more.to_string(), " more"]);
    }
    text
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

impl Report {
    /// Compares unless the new files are so broken that the answer would be wrong: an identity that
    /// cannot be read is left out, but anything else may decide over all of them.
    fn of(findings: Vec<Finding>, changes: impl FnOnce() -> Vec<Change>) -> Self {
        let findings: Vec<Finding> = findings.into_iter().filter(is_error).collect();
        let is_void = !findings.iter().all(|finding| finding.object.starts_with("MachineIdentity "));
        let mut changes = if is_void { Vec::new() } else { changes() };
        let is_broken = |change: &Change| {
            let (title, bare) =
                (format!("MachineIdentity {}", change.key), format!("MachineIdentity {}", change.key.name));
            findings.iter().any(|finding| finding.object == title || finding.object == bare)
        };
        changes.retain(|change| change.means != Means::Delete || !is_broken(change));
        Self { changes, findings, is_void }
    }

    fn counts(&self) -> Counts {
        let count = |wanted: &dyn Fn(&Change) -> bool| self.changes.iter().filter(|change| wanted(change)).count();
        Counts {
            change: count(&|change| change.means == Means::Change),
            create: count(&|change| change.means == Means::Create),
            delete: count(&|change| change.means == Means::Delete),
            widens: count(&Change::widens),
            refused: count(&|change| change.verdict.is_refusal()),
        }
    }

    fn exit(&self, fail_on: FailOn) -> Exit {
        if self.findings.iter().any(|finding| finding.code == Code::Unreadable) {
            return Exit::Trouble;
        }
        let any = |wanted: &dyn Fn(&Change) -> bool| self.changes.iter().any(wanted);
        let widens = match fail_on {
            FailOn::Never => false,
            FailOn::DataLoss => any(&Change::is_grave),
            FailOn::Wider | FailOn::Any => any(&Change::widens),
        };
        let differs = match fail_on {
            FailOn::Never => false,
            FailOn::DataLoss | FailOn::Wider => any(&|change| change.verdict.is_refusal()),
            FailOn::Any => any(&|change| change.verdict != Verdict::Cosmetic),
        };
        match (widens, differs || !self.findings.is_empty()) {
            (true, _) => Exit::Wider,
            (false, true) => Exit::Findings,
            (false, false) => Exit::Fine,
        }
    }
}

impl Counts {
    /// The last line of a table and the first of a comment.
    fn words(self) -> String {
        let Self { change, create, delete, widens, refused } = self;
        let widens = match widens {
            0 => "none widens access".to_owned(),
            1 => "1 widens access".to_owned(),
            more => format!("{more} widen access"),
        };
        let refused = match refused {
            0 => String::new(),
            1 => ", 1 is refused".to_owned(),
            more => format!(", {more} are refused"),
        };
        format!("{change} to change, {create} to create, {delete} to delete; {widens}{refused}")
    }
}

/// What stands before an identity.
fn sign(means: Means) -> char {
    match means {
        Means::Create => '+',
        Means::Change => '~',
        Means::Delete => '-',
    }
}

/// What stands behind an item: `WIDER`, `data loss`.
fn labels(item: &crate::offline::change::Item) -> Vec<&'static str> {
    let way = match item.way {
        Way::Wider => "WIDER",
        Way::Undecided => "UNDECIDED",
        Way::Narrower => "NARROWER",
    };
    std::iter::once(way).chain(item.label()).collect()
}

/// What stands behind an identity whose items do not say it.
fn remark(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::Wider | Verdict::Narrower | Verdict::Both => return None,
        Verdict::Undecided => "UNDECIDED",
        Verdict::Settings => "NO CHANGE OF ACCESS",
        Verdict::Cosmetic => "COSMETIC",
        Verdict::Created => "CREATED",
        Verdict::Deleted => "DELETED",
        Verdict::Refused => "REFUSED",
        Verdict::NoLongerAllowed => "NO LONGER ALLOWED",
        Verdict::NowAllowed => "NOW ALLOWED",
    })
}

/// A request as an example: `s3:GetObject on arn:…, with aws:SourceVpce = vpce-1`.
fn example(request: &crate::policy::Request) -> String {
    let keys: Vec<String> = request
        .context
        .iter()
        .map(|value| match value.values.as_slice() {
            [only] if !value.list => format!("{} = {only}", value.key),
            several => format!("{} = [{}]", value.key, several.join(", ")),
        })
        .collect();
    let by = request.principal.as_ref().map(|principal| format!(" by {principal}")).unwrap_or_default();
    let with = if keys.is_empty() { String::new() } else { format!(", with {}", keys.join(", ")) };
    format!("{} on {}{by}{with}", request.action, request.resource)
}
