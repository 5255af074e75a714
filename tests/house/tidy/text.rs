//! What may stand in the project's files, and what the documents must tell.

use super::files::{self, File, none};

/// The longest that a file may be: what is longer is two things.
const LONGEST: usize = 600;
/// The longest pause between two looks at a condition.
const POLL_MILLIS: u64 = 100;

const CODE: [&str; 4] = ["src", "dev", "tests", "benches"];

fn is_code(file: &File) -> bool {
    ["rs", "py", "sh"].iter().any(|extension| file.is(extension))
}

#[test]
fn no_file_is_too_long() {
    let found: Vec<String> = files::below(&CODE)
        .iter()
        .filter(|file| is_code(file) && file.text.lines().count() > LONGEST)
        .map(|file| format!("{}: {} lines", file.path, file.text.lines().count()))
        .collect();
    none(&found, "a file has at most 600 lines; split what is longer where it is two things");
}

#[test]
fn nothing_is_left_to_be_done_in_code() {
    let unfinished =
        [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!("), concat!("#[ig", "nore")];
    let mut found = Vec::new();
    for file in files::below(&CODE).iter().filter(|file| file.is("rs")) {
        for (at, line) in file.code() {
            if let Some(word) = unfinished.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{at}: `{word}`", file.path));
            }
        }
    }
    none(&found, "code is finished or not there, and no test is skipped");
}

/// The lines of a file that are tests.
fn test_lines(file: &File) -> Vec<(usize, &str)> {
    let whole = file.path.contains("tests/") || file.path.ends_with("tests.rs");
    let begin = match file.text.find("#[cfg(test)]") {
        _ if whole => 0,
        Some(at) => file.text[..at].lines().count(),
        None => usize::MAX,
    };
    file.code().filter(|(at, _)| *at > begin).collect()
}

/// A pause between two looks is short, and is the only pause that a test needs.
fn is_poll(line: &str) -> bool {
    let millis = line.split("from_millis(").nth(1).map(|rest| rest.split(')').next().unwrap_or_default());
    let seconds = line.split("sleep(0.").nth(1).or(line.split(" sleep 0.").nth(1));
    let short = millis.and_then(|text| text.replace('_', "").parse().ok()).is_some_and(|n: u64| n <= POLL_MILLIS);
    short || line.contains("sleep(POLL)") || seconds.is_some_and(|digits| digits.starts_with(['0', '1']))
}

#[test]
fn tests_wait_for_conditions_and_not_for_time() {
    let mut found = Vec::new();
    for file in files::below(&["src", "dev", "tests"]).iter().filter(|file| is_code(file)) {
        for (at, line) in test_lines(file) {
            let sleeps = line.contains("sleep(") && !line.contains("fn sleep(") && !line.contains(".sleep(pause)");
            let talks_of_it = file.path == "tests/house/tidy/text.rs";
            if sleeps && !talks_of_it && !line.contains("time.sleep(0.0") && !is_poll(line) {
                found.push(format!("{}:{at}: {}", file.path, line.trim()));
            }
        }
    }
    none(
        &found,
        "a test polls for a condition, at most 100 ms apart and with a deadline; it never waits for time to pass",
    );
}

#[test]
fn the_check_of_pauses_knows_long_from_short() {
    assert!(is_poll("std::thread::sleep(Duration::from_millis(10));"));
    assert!(is_poll("tokio::time::sleep(POLL).await;"));
    assert!(!is_poll("tokio::time::sleep(Duration::from_millis(500)).await;"));
    assert!(!is_poll("tokio::time::sleep(Duration::from_secs(1)).await;"));
}

#[test]
fn no_file_knows_one_machine_or_one_registry() {
    // Put together here, so that this file does not hold them.
    let forbidden = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("python", "hosted"),
        concat!("npmjs", ".org"),
        concat!("proxy.go", "lang"),
    ];
    let mut found = Vec::new();
    // The lock file names its registry in each entry; Cargo writes it.
    for file in files::below(&["."]).iter().filter(|file| !file.path.ends_with("Cargo.lock")) {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(word) = forbidden.iter().find(|word| line.contains(**word)) {
                found.push(format!("{}:{}: `{word}`", file.path, at + 1));
            }
        }
    }
    none(&found, "a clean checkout builds on any machine, from whatever registries it is told to use");
}

#[test]
fn the_documents_show_every_room() {
    let (readme, architecture) = (files::read("README.md"), files::read("ARCHITECTURE.md"));
    let lib = files::read("src/lib.rs");
    let rooms = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut found = Vec::new();
    for room in rooms {
        for (name, text) in [("README.md", &readme), ("ARCHITECTURE.md", &architecture)] {
            if !text.contains(&format!("`{room}`")) {
                found.push(format!("{name} does not speak of `{room}`"));
            }
        }
    }
    none(&found, "a newcomer finds every room in the documents");
}

#[test]
fn the_readme_shows_every_example_command_and_reason() {
    let readme = files::read("README.md");
    let mut wanted: Vec<String> = ["make demo", "make test", "`.ci/run`"].map(str::to_owned).into();
    let examples = files::below(&["examples"]);
    // Of examples that are whole folders, the folder is shown.
    let shown = |path: &str| match path.strip_prefix("examples/offline/").and_then(|rest| rest.split_once('/')) {
        Some((folder, _)) => format!("`examples/offline/{folder}`"),
        None => format!("`{path}`"),
    };
    wanted.extend(examples.iter().filter(|file| file.is("yaml")).map(|file| shown(&file.path)));
    wanted.extend(
        ambit::offline::meanings()
            .map(|row| format!("| `{}` | {} | {} | {} |\n", row.reason.name(), row.condition, row.means, row.mend)),
    );
    let found: Vec<String> = wanted.into_iter().filter(|text| !readme.contains(text.as_str())).collect();
    none(&found, "README.md must speak of each of these");
}

#[test]
fn the_project_has_its_papers() {
    for path in ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", ".ci/run", "Makefile"] {
        assert!(!files::read(path).is_empty(), "`{path}` must not be empty");
    }
    assert!(files::read("LICENSE").contains("Version 2.0, January 2004"));
    assert!(files::read("CHANGELOG.md").contains("## [Unreleased]"));
    assert!(files::read(".ci/run").contains("make test"), "`.ci/run` runs what README.md calls the tests");
}
