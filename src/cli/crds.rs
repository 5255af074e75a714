//! `ambit crds`: the definitions of all kinds.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, answer};
use crate::api::v1alpha1::{crds, crds_yaml};

/// Print the definitions, or write them into a folder.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Write a file for each kind into this folder instead of printing them
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn main(arguments: &Arguments) -> Result<Exit, String> {
    let mut all = String::new();
    for crd in crds() {
        let text = crds_yaml(&crd).map_err(|error| format!("a definition cannot be written as YAML: {error}"))?;
        let name = crd.metadata.name.unwrap_or_default();
        match &arguments.out {
            None => all.extend(["---\n", &text]),
            Some(folder) => {
                let path = folder.join(format!("{name}.yaml"));
                fs::create_dir_all(folder)
                    .and_then(|()| fs::write(&path, text))
                    .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))?;
            }
        }
    }
    answer(&all)?;
    Ok(Exit::Fine)
}
