//! The files of a command: folders, standard input, and what stands beside them.

mod git;
mod parse;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;

use clap::Args;

use crate::names::{InstallationId, printable};
use crate::offline::manifest::Manifests;
use crate::offline::{Content, Finding, Manifest, World};

/// Which files, and what they are judged beside.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "files are what `--file` names")]
pub struct Files {
    /// Files or folders with objects; `-` for standard input, such as the output of Kustomize or
    /// Helm. Other kinds are passed over
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// Files or folders with what the cluster has beside them: accounts, scope policies,
    /// namespaces. They are not judged themselves
    #[arg(long, value_name = "FILE")]
    pub with: Vec<String>,
    /// The namespace of identities that name none
    #[arg(short, long, default_value = "default")]
    pub namespace: String,
    /// The installation whose roles they would be
    #[arg(long, env = "AMBIT_INSTALLATION", value_parser = InstallationId::parse, default_value = "offline")]
    pub installation: InstallationId,
}

/// What was read.
#[derive(Debug)]
pub struct Loaded {
    /// Every valid object of `--file`, in the order in which they stand.
    pub objects: Vec<Manifest>,
    /// All objects together.
    pub world: World,
    /// What is wrong with files and objects by themselves.
    pub findings: Vec<Finding>,
    /// How many files were read.
    pub files: usize,
    /// How many objects of other kinds were passed over in them.
    pub passed_over: usize,
}

/// What was read of two sides.
#[derive(Debug)]
pub struct Sides {
    /// As it was.
    pub old: World,
    /// As it will be.
    pub new: World,
    /// What is wrong with the new files and objects by themselves.
    pub findings: Vec<Finding>,
    /// What is wrong with the old ones, and with those beside both.
    pub broken: Vec<Finding>,
}

/// One file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    /// The name for messages.
    name: String,
    text: String,
}

impl Files {
    /// Reads everything.
    pub fn load(&self) -> Result<Loaded, String> {
        let mut reader = walk::Reader::default();
        let (own, with) = (reader.texts(&self.files)?, reader.texts(&self.with)?);
        let own_files = parse::all(&own);
        let passed_over = own_files.iter().map(|file| file.passed_over).sum();
        let (objects, mut findings) = together(own_files);
        let (beside, more) = together(parse::all(&with));
        findings.extend(more);
        let (world, more) = World::of(objects.clone(), beside, &self.namespace);
        findings.extend(more);
        Ok(Loaded { objects, world, findings, files: own.len(), passed_over })
    }

    /// Reads everything, and what it was before: other files, or the same at a revision of git.
    pub(super) fn sides(&self, base: &str) -> Result<Sides, String> {
        let mut reader = walk::Reader::default();
        let (own, with) = (reader.texts(&self.files)?, reader.texts(&self.with)?);
        let before = if base == "-" {
            if self.files.iter().chain(&self.with).any(|file| file == "-") {
                return Err("standard input can be read once only: name `-` once".to_owned());
            }
            reader.texts(&[base.to_owned()])?
        } else if std::path::Path::new(base).exists() {
            git::refuse_both(base, &self.files)?;
            walk::Reader::default().texts(&[base.to_owned()])?
        } else {
            let (texts, notes) = git::texts(base, &self.files)?;
            for note in notes {
                super::tell(&format!("ambit: {}", printable(&note)));
            }
            texts
        };
        let (old, new) = parse::both(&before, &own);
        let (beside, mut broken) = together(parse::all(&with));
        let (old, more) = together(old);
        broken.extend(more);
        let (new, mut findings) = together(new);
        let (mut old, mut new) = (old, new);
        self.add_bystanders(&mut old, &mut new, &beside);
        let (old, more) = World::of(old, beside.clone(), &self.namespace);
        broken.extend(more);
        let (new, more) = World::of(new, beside, &self.namespace);
        findings.extend(more);
        Ok(Sides { old, new, findings, broken })
    }

    /// Identities that stand beside both sides and in neither stay as they are, and are there to
    /// be hit by another policy.
    fn add_bystanders(&self, old: &mut Vec<Manifest>, new: &mut Vec<Manifest>, beside: &[Manifest]) {
        let key = |manifest: &Manifest| {
            let namespace = manifest.namespace.clone().unwrap_or_else(|| self.namespace.clone());
            matches!(manifest.content, Content::Identity(_)).then(|| (namespace, manifest.name.clone()))
        };
        let known: BTreeSet<_> = old.iter().chain(new.iter()).filter_map(key).collect();
        for manifest in beside {
            if key(manifest).is_some_and(|key| !known.contains(&key)) {
                old.push(manifest.clone());
                new.push(manifest.clone());
            }
        }
    }
}

fn together(all: Vec<Manifests>) -> (Vec<Manifest>, Vec<Finding>) {
    let (mut objects, mut findings) = (Vec::new(), Vec::new());
    for one in all {
        objects.extend(one.objects);
        findings.extend(one.findings);
    }
    (objects, findings)
}
