//! What the fuzz targets ask, asked of the seeds that are checked in: they still build, and what
//! was found once stays mended.

#[path = "../../fuzz/src/asked.rs"]
mod asked;

use std::path::Path;

use ambit::{names, policy};

/// Each folder of seeds has at least so many.
const SEEDS: usize = 10;

fn ask(target: &str, asked: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    let mut seeds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= SEEDS, "only {} seeds are in `{}`", seeds.len(), folder.display());
    for seed in seeds {
        let bytes = std::fs::read(&seed).unwrap();
        let ended = std::panic::catch_unwind(|| asked(&bytes));
        assert!(ended.is_ok(), "`fuzz/corpus/{target}/{}`", seed.file_name().unwrap().display());
    }
}

#[test]
fn seeds_of_parsing() {
    ask("parse", asked::parse);
}

#[test]
fn seeds_of_comparing() {
    ask("compare", asked::compare);
}

#[test]
fn seeds_of_evaluating() {
    ask("evaluate", asked::evaluate);
}

#[test]
fn seeds_of_words() {
    ask("words", asked::words);
}
