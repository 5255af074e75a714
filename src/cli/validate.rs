//! `ambit validate`: what the API server and the operator would say of files.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;

use super::files::{Files, Loaded};
use super::report::{self, Case, FailOn, Finding, Format, Report, Row, number, rows};
use super::{Exit, answer};
use crate::offline::{self, Content, Manifest};
use crate::policy::Catalogue;

/// Which files, and how to print what is found.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Which findings end with exit code 1: of that severity and above
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Warning)]
    fail_on: FailOn,
    /// End with exit code 0 where the files hold no object of Ambit's, as a hook on every commit must
    #[arg(long)]
    allow_empty: bool,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

const HELP: &str = "\
Examples:
  $ ambit validate -f deploy --with cluster.yaml
  deploy/orders.yaml:14:18: error AMB0116: MachineIdentity shop/orders: scope `inbox`: …
  1 error in 3 files: judged 1 MachineIdentity; passed over 4 objects of other kinds
  $ kustomize build overlays/prod | ambit validate -f - --with cluster.yaml
  $ helm template chart | ambit validate -f - -o github

What the cluster has beside the files is handed in with --with:
  $ kubectl get cloudaccounts,scopepolicies,machineidentities,namespaces -o yaml > cluster.yaml
`ambit explain CODE` says what a code means.

Exit code:
  0  nothing was found, or nothing as grave as --fail-on says
  1  something was found
  2  a file cannot be read, or no file holds an object of Ambit's (without --allow-empty)";

/// What was judged, so that nothing found is never nothing read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Extent {
    /// Objects by kind.
    judged: BTreeMap<String, usize>,
    passed_over: usize,
    files: usize,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    findings: Vec<Row<'a>>,
    #[serde(flatten)]
    extent: &'a Extent,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let loaded = arguments.files.load()?;
    let cases = cases(&loaded, &arguments.files.namespace);
    let extent = Extent::of(&cases, &loaded);
    if extent.judged.is_empty() && loaded.findings.is_empty() && !arguments.allow_empty {
        return Err(format!(
            "there is nothing to judge: {} no MachineIdentity, ScopePolicy or CloudAccount{}: name the files that do with -f, or take --allow-empty where that is fine",
            if extent.files == 1 {
                "the file holds".to_owned()
            } else {
                format!("{} hold", number(extent.files, "file"))
            },
            match extent.passed_over {
                0 => String::new(),
                count => format!(", only {} of other kinds", number(count, "object")),
            }
        ));
    }
    let findings = findings(&loaded, arguments);
    answer(&print(arguments, &findings, &cases, &extent)?)?;
    Ok(if arguments.fail_on.met_by(&findings) { Exit::Findings } else { Exit::Fine })
}

fn findings(loaded: &Loaded, arguments: &Arguments) -> Vec<Finding> {
    let installation = &arguments.files.installation;
    let judged = offline::findings(&loaded.objects, &loaded.world, installation, Catalogue::embedded());
    let mut findings: Vec<Finding> = loaded.findings.iter().chain(&judged).map(Finding::of).collect();
    report::sort(&mut findings);
    findings
}

fn print(arguments: &Arguments, findings: &[Finding], cases: &[Case], extent: &Extent) -> Result<String, String> {
    match arguments.output {
        Format::Json => report::json(&Answer { findings: rows(findings), extent }),
        format => Report { findings, cases, fail_on: arguments.fail_on, scope: &extent.words() }.print(format),
    }
}

/// The objects that were judged, valid or not.
fn cases(loaded: &Loaded, namespace: &str) -> Vec<Case> {
    let case = |manifest: &Manifest| {
        let mut manifest = manifest.clone();
        match &manifest.content {
            Content::Identity(_) => drop(manifest.namespace.get_or_insert_with(|| namespace.to_owned())),
            Content::Account(_) | Content::Policy(_) => {}
            Content::Namespace(_) | Content::Test(_) => return None,
        }
        Some(Case { file: manifest.spot.file.to_string(), name: manifest.title() })
    };
    let valid = loaded.objects.iter().filter_map(case);
    let refused = loaded.findings.iter().filter(|finding| !finding.object.is_empty());
    let refused = refused.map(|finding| Case { file: finding.spot.file.to_string(), name: finding.object.clone() });
    valid.chain(refused).collect::<BTreeSet<Case>>().into_iter().collect()
}

impl Extent {
    fn of(cases: &[Case], loaded: &Loaded) -> Self {
        let mut judged = BTreeMap::new();
        for case in cases {
            let kind = case.name.split(' ').next().unwrap_or_default();
            *judged.entry(kind.to_owned()).or_default() += 1;
        }
        Self { judged, passed_over: loaded.passed_over, files: loaded.files }
    }

    /// In one line, behind the number of findings.
    fn words(&self) -> String {
        let kinds: Vec<String> = self.judged.iter().map(|(kind, count)| number(*count, kind)).collect();
        let judged = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        let passed_over = match self.passed_over {
            0 => String::new(),
            count => format!("; passed over {} of other kinds", number(count, "object")),
        };
        format!("{}: judged {judged}{passed_over}", number(self.files, "file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_what_was_judged() {
        let judged = |kinds: &[(&str, usize)], passed_over, files| {
            let judged = kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
            Extent { judged, passed_over, files }.words()
        };
        assert_eq!(judged(&[], 0, 1), "1 file: judged nothing");
        assert_eq!(
            judged(&[("MachineIdentity", 2), ("CloudAccount", 1), ("ScopePolicy", 3)], 1, 4),
            "4 files: judged 1 CloudAccount, 2 MachineIdentities, 3 ScopePolicies; passed over 1 object of other kinds"
        );
    }
}
