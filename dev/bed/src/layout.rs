//! Where things are: the project, its programs, and the files of one bed.

use std::path::{Path, PathBuf};

use crate::error::{BedError, Result};
use crate::parts::Part;

/// The project folder and the programs built into it.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// Finds the project: `AMBIT_ROOT`, or from the current folder upward.
    pub fn find() -> Result<Self> {
        if let Some(root) = std::env::var_os("AMBIT_ROOT") {
            return Self::at(Path::new(&root));
        }
        let from = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        from.ancestors().find_map(|folder| Self::at(folder).ok()).ok_or(BedError::NoRoot { from })
    }

    /// The project in exactly this folder.
    pub fn at(root: &Path) -> Result<Self> {
        if root.join("Cargo.toml").is_file() && root.join("dev/bed/Cargo.toml").is_file() {
            Ok(Self { root: root.to_owned() })
        } else {
            Err(BedError::NoRoot { from: root.to_owned() })
        }
    }

    /// The project folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A Kubernetes program: from `KUBEBUILDER_ASSETS` where set and there, else from `.tools/bin`.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(|dir| PathBuf::from(dir).join(name));
        assets
            .into_iter()
            .chain([self.root.join(".tools/bin").join(name)])
            .find(|path| path.is_file())
            .ok_or_else(|| BedError::MissingProgram { name: name.to_owned() })
    }

    /// The Python of the cloud endpoint.
    pub fn python(&self) -> Result<PathBuf> {
        let path = self.root.join(".tools/cloud/bin/python");
        if path.is_file() {
            Ok(path)
        } else {
            Err(BedError::MissingProgram { name: "the cloud endpoint's Python".to_owned() })
        }
    }

    /// The folder of the cloud endpoint's own code.
    #[must_use]
    pub fn cloud_code(&self) -> PathBuf {
        self.root.join("dev/cloud")
    }

    /// The operator's binary: the given one, `AMBIT_BIN`, or the debug build.
    pub fn operator(&self, given: Option<&Path>) -> Result<PathBuf> {
        let path = given
            .map(Path::to_owned)
            .or_else(|| std::env::var_os("AMBIT_BIN").map(PathBuf::from))
            .unwrap_or_else(|| self.root.join("target/debug/ambit"));
        match std::path::absolute(&path) {
            Ok(absolute) if absolute.is_file() => Ok(absolute),
            _ => Err(BedError::MissingOperator { path }),
        }
    }
}

/// The files of one bed. Nothing outside this folder is written.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// The files of the bed in `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()) }
    }

    /// The bed's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file or folder of the bed.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What the bed knows about itself.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path("state.json")
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.path("kubeconfig")
    }

    /// The operator's kubeconfig: its own service account token and nothing more.
    #[must_use]
    pub fn operator_kubeconfig(&self) -> PathBuf {
        self.path("operator.kubeconfig")
    }

    /// The API server's certificate, which it makes itself on its first start.
    #[must_use]
    pub fn api_certificate(&self) -> PathBuf {
        self.path("pki/apiserver.crt")
    }

    /// The key of that certificate.
    #[must_use]
    pub fn api_key(&self) -> PathBuf {
        self.path("pki/apiserver.key")
    }

    /// The key that signs service account tokens.
    #[must_use]
    pub fn service_account_key(&self) -> PathBuf {
        self.path("pki/sa.key")
    }

    /// The administrator's token, in the form that the API server reads.
    #[must_use]
    pub fn tokens(&self) -> PathBuf {
        self.path("pki/tokens.csv")
    }

    /// Every write of the operator to the API server, one line each.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.path("audit.log")
    }

    /// The `CloudAccount` of the bed.
    #[must_use]
    pub fn account(&self) -> PathBuf {
        self.path("account.yaml")
    }

    /// What a part writes to its standard streams.
    #[must_use]
    pub fn log(&self, part: Part) -> PathBuf {
        self.dir.join("logs").join(format!("{part}.log"))
    }

    /// The cloud endpoint's own log: calls, and what it could not check.
    #[must_use]
    pub fn cloud_events(&self) -> PathBuf {
        self.path("logs/cloud-events.log")
    }

    /// The process id file of a part, for the reaper.
    #[must_use]
    pub fn pid(&self, part: Part) -> PathBuf {
        self.dir.join("pids").join(part.to_string())
    }

    /// Folders that must exist before any part starts.
    pub(crate) fn folders(&self) -> [PathBuf; 6] {
        ["pki", "logs", "pids", "cloud", "pods", "helm"].map(|name| self.path(name))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A folder that is gone when the test is over.
    pub(crate) struct TempFolder(PathBuf);

    impl TempFolder {
        pub(crate) fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("ambit-bed-unit-{}-{number}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for TempFolder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_folder_without_the_bed_is_not_the_project() {
        let folder = TempFolder::new();
        std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        assert!(Project::at(folder.path()).is_err());
        std::fs::create_dir_all(folder.path().join("dev/bed")).unwrap();
        std::fs::write(folder.path().join("dev/bed/Cargo.toml"), "").unwrap();
        assert!(Project::at(folder.path()).is_ok());
    }

    #[test]
    fn a_program_that_is_not_built_is_named() {
        let project = Project { root: TempFolder::new().path().to_owned() };
        let error = project.program("no-such-program").unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` is not there; run `make tools`");
    }
}
