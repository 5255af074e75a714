//! What is generated and kept in the repository must be what the program prints. Needs no bed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const FOLDERS: [&str; 2] = ["crds", "charts/ambit/files/crds"];

/// The files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

/// What `ambit crds` prints, a document for each kind.
fn printed() -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_ambit")).arg("crds").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = text.strip_prefix("---\n").unwrap().split("\n---\n");
    let named = documents.map(|document| {
        let name = document.lines().find_map(|line| line.strip_prefix("  name: ")).unwrap();
        (format!("{name}.yaml"), format!("{}\n", document.trim_end_matches('\n')))
    });
    named.collect()
}

#[test]
fn the_definitions_in_the_repository_are_those_of_the_program() {
    let printed = printed();
    assert_eq!(printed.len(), ambit::api::v1alpha1::KINDS.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in FOLDERS {
        let kept = files(&root.join(folder));
        let names: Vec<_> = kept.keys().collect();
        assert_eq!(names, printed.keys().collect::<Vec<_>>(), "`{folder}` holds other files; run `make generate`");
        for (name, text) in &kept {
            assert!(*text == printed[name], "`{folder}/{name}` is stale; run `make generate`");
        }
    }
}
