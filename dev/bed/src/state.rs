//! What a bed knows about itself, in a file, so that other shells find its parts.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{BedError, Doing, Result};
use crate::layout::Layout;
use crate::options::BedOptions;
use crate::parts::Part;
use crate::ports::Ports;
use crate::process::ProcessId;

/// A cloud user's key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessKey {
    /// The key's name, which is no secret.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The contents of `state.json`; readable by its owner alone, for it holds keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The project's folder.
    pub root: PathBuf,
    /// What the bed was asked to be.
    pub options: BedOptions,
    /// Where its parts listen.
    pub ports: Ports,
    /// The administrator's token at the API server.
    pub admin_token: String,
    /// The operator's own cloud user, once it is planted.
    pub operator_keys: Option<AccessKey>,
    /// The processes that run or did run.
    pub processes: BTreeMap<Part, ProcessId>,
    /// Whether the start came to its end.
    pub complete: bool,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("root", &self.root)
            .field("ports", &self.ports)
            .field("processes", &self.processes)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The issuer of service account tokens, which is the API server's address.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api())
    }

    /// The cloud as the operator and the workloads see it: through the proxy.
    #[must_use]
    pub fn proxy_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.proxy())
    }

    /// The cloud endpoint itself, past the proxy.
    #[must_use]
    pub fn cloud_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.cloud())
    }

    /// Reads the state of the bed in this folder.
    pub fn load(layout: &Layout) -> Result<Self> {
        let path = layout.state();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BedError::NotUp { dir: layout.dir().to_owned() });
            }
            Err(source) => {
                return Err(BedError::Io { doing: format!("read `{}`", path.display()), source });
            }
        };
        serde_json::from_slice(&text)
            .map_err(|error| BedError::Parse { what: format!("`{}`", path.display()), problem: error.to_string() })
    }

    /// Writes the state, whole or not at all.
    pub fn save(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| BedError::Parse { what: "the bed's own state".to_owned(), problem: error.to_string() })?;
        write_private(layout, "state.json", &text)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(layout: &Layout, name: &str, text: &[u8]) -> Result<()> {
    let path = layout.path(name);
    let part = layout.path(&format!("{name}.{}.part", std::process::id()));
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(text)?;
        std::fs::rename(&part, &path)
    };
    write().doing(|| format!("write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::layout::tests::TempFolder;

    fn state() -> State {
        State {
            root: "/project".into(),
            options: BedOptions::default(),
            ports: serde_json::from_str(r#"{"first": 20000}"#).unwrap(),
            admin_token: "admin-secret".to_owned(),
            operator_keys: Some(AccessKey { access_key_id: "AKIA1".into(), secret_access_key: "hush".into() }),
            processes: BTreeMap::from([(Part::Api, ProcessId { pid: 7, started: "4711".into() })]),
            complete: true,
        }
    }

    #[test]
    fn the_state_comes_back_as_it_was_and_only_its_owner_reads_it() {
        let folder = TempFolder::new();
        let layout = Layout::new(folder.path());
        assert!(matches!(State::load(&layout), Err(BedError::NotUp { .. })));
        state().save(&layout).unwrap();
        assert_eq!(State::load(&layout).unwrap(), state());
        let mode = std::fs::metadata(layout.state()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let text = format!("{:?} {:?}", state(), state().operator_keys);
        assert!(!text.contains("hush") && !text.contains("admin-secret"), "{text}");
    }
}
