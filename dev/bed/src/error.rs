//! What can go wrong with the bed, in words that say how to fix it.

use std::path::PathBuf;

use crate::parts::Part;

/// An error of the test bed.
#[derive(Debug, thiserror::Error)]
pub enum BedError {
    /// No project folder was found from the current folder upward.
    #[error("no Ambit project in `{}` or above it; change into the project, or set AMBIT_ROOT to its folder", from.display())]
    NoRoot {
        /// Where the search began.
        from: PathBuf,
    },
    /// A program that the bed runs has not been built.
    #[error("`{name}` is not there; run `make tools`")]
    MissingProgram {
        /// The program's name.
        name: String,
    },
    /// The operator's binary has not been built.
    #[error("the operator `{}` is not there; run `cargo build`, or name another with --operator-bin or AMBIT_BIN", path.display())]
    MissingOperator {
        /// Where the bed looked.
        path: PathBuf,
    },
    /// No bed in this folder.
    #[error("no bed is up in `{}`; run `bed up` first", dir.display())]
    NotUp {
        /// The bed's folder.
        dir: PathBuf,
    },
    /// The folder already holds a bed, or something else that is not ours to remove.
    #[error("`{}` must be absent or an empty folder, but it holds {what}", dir.display())]
    FolderTaken {
        /// The folder.
        dir: PathBuf,
        /// What was found there.
        what: &'static str,
    },
    /// No block of ports was free.
    #[error("no block of {wanted} free ports between {from} and {to}; stop other beds with `bed down`")]
    NoPorts {
        /// How many ports one bed needs.
        wanted: u16,
        /// First port of the range.
        from: u16,
        /// End of the range.
        to: u16,
    },
    /// A part ended by itself.
    #[error("{part} ended by itself ({status}); the last lines of its log:\n{tail}")]
    PartDied {
        /// Which part.
        part: Part,
        /// How it ended, where that is known.
        status: String,
        /// The end of its log.
        tail: String,
    },
    /// Something did not come true before its deadline.
    #[error("{what} did not come true within {seconds} s{detail}")]
    NotInTime {
        /// What was waited for.
        what: String,
        /// The deadline.
        seconds: u64,
        /// What was seen last, beginning with `: `, or nothing.
        detail: String,
    },
    /// This bed was started without that part.
    #[error("this bed has no {part}; it was started without it")]
    NoSuchPart {
        /// Which part.
        part: Part,
    },
    /// A program that the bed ran to its end failed.
    #[error("`{program}` failed ({status}): {stderr}")]
    Command {
        /// The program and its first arguments.
        program: String,
        /// Its exit status.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// A pod's spec asks for something that the stand-in for the kubelet cannot give.
    #[error("pod `{pod}`: {problem}")]
    Pod {
        /// Namespace and name.
        pod: String,
        /// What is wrong and what must hold.
        problem: String,
    },
    /// The endpoint allowed actions that it could not map to a permission.
    #[error("the cloud endpoint allowed what it cannot check, so this bed proves nothing about it: {lines}")]
    Unmapped {
        /// The endpoint's own lines.
        lines: String,
    },
    /// A file or process operation failed.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The API server refused.
    #[error("cannot {doing}: {message}")]
    Refused {
        /// What was being done.
        doing: String,
        /// The API server's own words.
        message: String,
        /// Its status code.
        code: u16,
    },
    /// The API server could not be asked.
    #[error("cannot {doing}")]
    Kube {
        /// What was being done.
        doing: String,
        /// The client's error.
        #[source]
        source: Box<kube::Error>,
    },
    /// A kubeconfig cannot be used.
    #[error("cannot use the kubeconfig `{}`", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<kube::config::KubeconfigError>,
    },
    /// An HTTP exchange with a part failed.
    #[error("cannot talk to {url}: {problem}")]
    Http {
        /// The address.
        url: String,
        /// What happened.
        problem: String,
    },
    /// Text that should be JSON or YAML is not.
    #[error("cannot read {what}: {problem}")]
    Parse {
        /// What was being read.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A key could not be made.
    #[error("cannot make the service account key")]
    Key,
}

/// Shorthand for results of the bed.
pub type Result<T, E = BedError> = std::result::Result<T, E>;

/// Names what was being done when an I/O error happened.
pub(crate) trait Doing<T> {
    /// Turns the error into a [`BedError`] that says what failed.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| BedError::Io { doing: what(), source })
    }
}

impl<T> Doing<T> for kube::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| match source {
            kube::Error::Api(status) => BedError::Refused { doing: what(), message: status.message, code: status.code },
            source => BedError::Kube { doing: what(), source: Box::new(source) },
        })
    }
}

/// An error and everything that caused it, on one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_every_cause_once() {
        let error = BedError::Io { doing: "write `state.json`".to_owned(), source: std::io::Error::other("disk full") };
        assert_eq!(chain(&error), "cannot write `state.json`: disk full");
    }

    #[test]
    fn a_missing_program_says_what_builds_it() {
        let error = BedError::MissingProgram { name: "etcd".to_owned() };
        assert_eq!(error.to_string(), "`etcd` is not there; run `make tools`");
    }
}
