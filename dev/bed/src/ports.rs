//! A block of ports for each bed, so that several beds on one machine never meet.
//!
//! Ports are taken below the range from which the system serves outgoing
//! connections: a port that is free between `bed stop api` and `bed start api`
//! must not be lent to somebody's client meanwhile. A lease file names the
//! folder of the bed that holds the block; when that folder is gone, so is the
//! lease.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{BedError, Doing, Result};

const FIRST: u16 = 20_000;
const END: u16 = 32_000;
const BLOCK: u16 = 10;

/// The ports of one bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    first: u16,
}

impl Ports {
    /// Serves etcd's clients.
    #[must_use]
    pub fn etcd(self) -> u16 {
        self.first
    }
    /// Serves etcd's peers, of which there are none.
    #[must_use]
    pub fn etcd_peer(self) -> u16 {
        self.first + 1
    }
    /// The API server.
    #[must_use]
    pub fn api(self) -> u16 {
        self.first + 2
    }
    /// The cloud endpoint itself.
    #[must_use]
    pub fn cloud(self) -> u16 {
        self.first + 3
    }
    /// The counting proxy before the cloud endpoint.
    #[must_use]
    pub fn proxy(self) -> u16 {
        self.first + 4
    }
    /// Where the proxy is asked for its counts and told its faults.
    #[must_use]
    pub fn proxy_control(self) -> u16 {
        self.first + 5
    }
    /// Health and metrics of the operator.
    #[must_use]
    pub fn operator(self) -> u16 {
        self.first + 6
    }
    /// Health and metrics of the second operator.
    #[must_use]
    pub fn second_operator(self) -> u16 {
        self.first + 7
    }
    /// The issuers of pipelines' tokens: discovery and keys, over HTTPS.
    #[must_use]
    pub fn issuers(self) -> u16 {
        self.first + 8
    }
    /// Where the issuers are asked for tokens.
    #[must_use]
    pub fn mint(self) -> u16 {
        self.first + 9
    }
}

/// Takes a free block for the bed in `dir`, which must exist already.
pub(crate) fn lease(dir: &Path) -> Result<Ports> {
    let leases = lease_folder()?;
    let lock_path = leases.join("lock");
    let lock = File::create(&lock_path).doing(|| format!("create `{}`", lock_path.display()))?;
    lock.lock().doing(|| format!("lock `{}`", lock_path.display()))?;
    (FIRST..END)
        .step_by(usize::from(BLOCK))
        .find(|&first| take(&leases, first, dir))
        .map(|first| Ports { first })
        .ok_or(BedError::NoPorts { wanted: BLOCK, from: FIRST, to: END })
}

/// Gives the block back.
pub(crate) fn release(ports: Ports) {
    if let Ok(leases) = lease_folder() {
        // A lease that stays behind is harmless: its folder is gone.
        let _ = fs::remove_file(leases.join(ports.first.to_string()));
    }
}

fn take(leases: &Path, first: u16, dir: &Path) -> bool {
    let file = leases.join(first.to_string());
    let held = fs::read_to_string(&file).is_ok_and(|holder| Path::new(&holder).exists());
    !held && bindable(first) && fs::write(&file, dir.as_os_str().as_encoded_bytes()).is_ok()
}

fn bindable(first: u16) -> bool {
    (first..first + BLOCK).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
}

fn lease_folder() -> Result<PathBuf> {
    let uid = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("ambit-bed-ports-{uid}"));
    fs::create_dir_all(&folder).doing(|| format!("create `{}`", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::TempFolder;

    #[test]
    fn two_beds_never_share_a_block_and_a_dead_bed_holds_none() {
        let (one, two) = (TempFolder::new(), TempFolder::new());
        let first = lease(one.path()).unwrap();
        let second = lease(two.path()).unwrap();
        assert_ne!(first, second);

        let leases = lease_folder().unwrap();
        assert!(!take(&leases, first.first, two.path()), "a live bed keeps its block");
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
        assert!(take(&leases, first.first, two.path()), "a lease ends with its folder");
        release(first);
        release(second);
    }

    #[test]
    fn a_block_with_one_busy_port_is_not_taken() {
        let folder = TempFolder::new();
        let ports = lease(folder.path()).unwrap();
        release(ports);
        let busy = TcpListener::bind(("127.0.0.1", ports.proxy())).unwrap();
        assert!(!bindable(ports.first));
        drop(busy);
    }
}
