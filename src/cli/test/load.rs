//! The tests of a run, each with the files that it is about.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::super::files::{Files, Loaded};
use super::super::input;
use super::super::report::line;
use super::{Arguments, told};
use crate::offline::cases::{AccessTest, Boundary, understand};
use crate::offline::{Content, Finding, Spot, World};
use crate::policy::check::Severity;
use crate::policy::{Catalogue, Policy};

/// One test with all that it is decided by.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) test: AccessTest,
    pub(super) world: Rc<World>,
    pub(super) boundary: Option<Boundary>,
}

/// Reads everything. All that is wrong is told at once.
pub(super) fn suites(arguments: &Arguments) -> Result<Vec<Suite>, String> {
    let mut suites = Vec::new();
    let mut wrong = Vec::new();
    for folder in &arguments.folders {
        suites.extend(folder_suites(arguments, folder, &mut wrong)?);
    }
    // Several tests may need the same files, and those are wrong only once.
    let mut told = Vec::new();
    wrong.retain(|line| {
        if told.contains(line) {
            false
        } else {
            told.push(line.clone());
            true
        }
    });
    if wrong.is_empty() { Ok(suites) } else { Err(wrong.join("\n")) }
}

fn folder_suites(arguments: &Arguments, folder: &str, wrong: &mut Vec<String>) -> Result<Vec<Suite>, String> {
    let Loaded { objects, world, findings, .. } = load(arguments, vec![folder.to_owned()])?;
    wrong.extend(faults(&findings));
    let mut worlds = BTreeMap::from([(Vec::new(), Rc::new(world))]);
    let mut suites = Vec::new();
    let tests = objects.iter().filter(|object| matches!(object.content, Content::Test(_)));
    let mut count = 0;
    for manifest in tests {
        count += 1;
        let test = match understand(manifest, Catalogue::embedded()) {
            Ok(test) => test,
            Err(mistakes) => {
                wrong.extend(mistakes.iter().map(|mistake| told(&mistake.spot, &mistake.message)));
                continue;
            }
        };
        let needed = match needed(folder, &test) {
            Ok(needed) => needed,
            Err(error) => {
                wrong.push(error);
                continue;
            }
        };
        if !worlds.contains_key(&needed) {
            let files = std::iter::once(folder.to_owned()).chain(needed.iter().cloned());
            let loaded = load(arguments, files.collect())?;
            wrong.extend(faults(&loaded.findings));
            worlds.insert(needed.clone(), Rc::new(loaded.world));
        }
        let Some(world) = worlds.get(&needed).cloned() else { continue };
        match test.boundary.as_ref().map(boundary).transpose() {
            Ok(boundary) => suites.push(Suite { test, world, boundary }),
            Err(error) => wrong.push(error),
        }
    }
    if count == 0 && wrong.is_empty() {
        wrong.push(format!("`{folder}` holds no AccessTest: name a folder that does; `ambit test --help` shows one"));
    }
    Ok(suites)
}

fn load(arguments: &Arguments, files: Vec<String>) -> Result<Loaded, String> {
    let Arguments { with, namespace, installation, .. } = arguments;
    let files = Files { files, with: with.clone(), namespace: namespace.clone(), installation: installation.clone() };
    files.load()
}

/// What makes files unfit to decide anything by.
fn faults(findings: &[Finding]) -> impl Iterator<Item = String> {
    let grave = findings.iter().filter(|finding| finding.severity == Severity::Error);
    grave.map(line)
}

/// The files that a test names and that its folder does not hold already.
fn needed(folder: &str, test: &AccessTest) -> Result<Vec<String>, String> {
    let mut known: Vec<PathBuf> = whole(folder).into_iter().collect();
    let mut needed = Vec::new();
    for (file, spot) in &test.files {
        let path = beside(spot, file);
        let Some(whole) = whole(&path) else {
            return Err(told(spot, &format!("`{path}` cannot be read: there is no such file or folder")));
        };
        if !known.iter().any(|known| whole.starts_with(known)) {
            known.push(whole);
            needed.push(path);
        }
    }
    Ok(needed)
}

fn whole(path: &str) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// A path that a test names, seen from where the command was started.
fn beside(spot: &Spot, file: &str) -> String {
    let path = Path::new(&*spot.file).parent().unwrap_or(Path::new("")).join(file);
    let short = folded(&path);
    // Where a folder is a link, the way up from it leads elsewhere.
    let same = std::fs::canonicalize(&short).ok() == std::fs::canonicalize(&path).ok();
    if same { short } else { path }.to_string_lossy().into_owned()
}

/// A path without ways down and up again.
fn folded(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let up = part == Component::ParentDir && matches!(short.components().next_back(), Some(Component::Normal(_)));
        if up {
            short.pop();
        } else if part != Component::CurDir {
            short.push(part);
        }
    }
    if short.as_os_str().is_empty() { PathBuf::from(".") } else { short }
}

fn boundary((file, spot): &(String, Spot)) -> Result<Boundary, String> {
    let path = beside(spot, file);
    let text = input::text(&path).map_err(|error| told(spot, &error))?;
    let policy = Policy::read(&text).map_err(|error| told(spot, &format!("`{path}`: {error}")))?;
    Ok(Boundary { file: path, policy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_down_and_up_again_are_folded() {
        let cases = [
            ("a/b/../c", "a/c"),
            ("a/../../c", "../c"),
            ("./a/./b", "a/b"),
            ("a/..", "."),
            ("/a/../b", "/b"),
            ("../../x", "../../x"),
        ];
        for (path, short) in cases {
            assert_eq!(folded(Path::new(path)), Path::new(short), "{path}");
        }
    }
}
