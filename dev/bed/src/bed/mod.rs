//! A bed from its start to its end.

mod ask;
mod install;
mod lifecycle;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{BedError, Doing, Result};
use crate::layout::{Layout, Project};
use crate::options::BedOptions;
use crate::parts::Part;
use crate::proxy::ProxyThread;
use crate::reaper::Reaper;
use crate::state::State;
use crate::{pki, ports};

/// Keeps the folder of a bed that ends, for its logs.
const KEEP_FOLDER: &str = "AMBIT_BED_KEEP";

/// A running test bed.
///
/// One that [`Bed::start`] made ends when it is dropped, or when its process
/// ends; one that [`Bed::open`] found goes on.
#[derive(Debug)]
pub struct Bed {
    project: Project,
    layout: Layout,
    state: Mutex<State>,
    /// There where this value owns the bed.
    reaper: Option<Reaper>,
    /// Whether the proxy runs on a thread of this process.
    proxy_inside: bool,
    proxy: Mutex<Option<ProxyThread>>,
}

impl Bed {
    /// Starts a bed that lives as long as this value, its proxy within this process.
    pub async fn start(options: BedOptions) -> Result<Self> {
        let bed = Self::prepare(options, true)?;
        bed.bring_up(&|_| {}).await?;
        Ok(bed)
    }

    /// Starts a bed of processes only, which [`Bed::detach`] can leave running.
    /// Each step that came true is told.
    pub async fn start_processes(options: BedOptions, tell: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        let bed = Self::prepare(options, false)?;
        bed.bring_up(tell).await?;
        Ok(bed)
    }

    /// The bed that another process started in this folder.
    pub fn open(dir: &Path) -> Result<Self> {
        let layout = Layout::new(dir);
        let state = State::load(&layout)?;
        let project = Project::at(&state.root)?;
        Ok(Self {
            project,
            layout,
            state: Mutex::new(state),
            reaper: None,
            proxy_inside: false,
            proxy: Mutex::default(),
        })
    }

    /// Lets the bed go on without this value.
    pub fn detach(mut self) {
        if let Some(reaper) = self.reaper.take() {
            reaper.dismiss();
        }
    }

    /// Stops every part and removes the folder.
    pub fn down(mut self) {
        self.reaper = None;
        self.tear_down();
    }

    /// Ends the bed, and fails when the cloud endpoint allowed what it could
    /// not check: a test that passed on such a bed proves nothing.
    pub fn finish(self) -> Result<()> {
        let checked = self.check_cloud();
        drop(self);
        checked
    }

    /// Whether some part of the bed still runs.
    #[must_use]
    pub fn any_alive(&self) -> bool {
        self.state().processes.values().any(super::process::ProcessId::alive)
    }

    fn prepare(mut options: BedOptions, proxy_inside: bool) -> Result<Self> {
        let project = match &options.root {
            Some(root) => Project::at(root)?,
            None => Project::find()?,
        };
        options.root = Some(project.root().to_owned());
        check_programs(&project, &mut options)?;
        let dir = options.dir.clone().unwrap_or_else(temporary_folder);
        let layout = Layout::new(&dir);
        make_folders(&layout)?;
        let reaper = Reaper::start(layout.dir(), std::env::var_os(KEEP_FOLDER).is_none())?;
        let state = State {
            root: project.root().to_owned(),
            options,
            ports: ports::lease(layout.dir())?,
            admin_token: pki::random_token()?,
            operator_keys: None,
            processes: std::collections::BTreeMap::new(),
            complete: false,
        };
        let bed = Self {
            project,
            layout,
            state: Mutex::new(state),
            reaper: Some(reaper),
            proxy_inside,
            proxy: Mutex::default(),
        };
        bed.change(|_| {})?;
        pki::write(&bed.layout, &bed.state())?;
        Ok(bed)
    }

    /// A copy of what the bed knows now.
    fn state(&self) -> State {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the bed knows, and writes it down.
    fn change(&self, how: impl FnOnce(&mut State)) -> Result<()> {
        let mut state = self.locked();
        how(&mut state);
        state.save(&self.layout)
    }

    fn tear_down(&self) {
        let state = self.state();
        for part in Part::ALL.into_iter().rev() {
            if let Some(process) = state.processes.get(&part) {
                process.kill_now();
            }
        }
        drop(self.proxy.lock().unwrap_or_else(PoisonError::into_inner).take());
        if std::env::var_os(KEEP_FOLDER).is_none() {
            // What cannot be removed stays as it is; the parts are gone.
            let _ = std::fs::remove_dir_all(self.layout.dir());
        }
        ports::release(state.ports);
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if self.reaper.is_some() {
            self.tear_down();
        }
    }
}

/// Says at once what is not built, before anything runs.
fn check_programs(project: &Project, options: &mut BedOptions) -> Result<()> {
    project.program("etcd")?;
    project.program("kube-apiserver")?;
    project.program("kubectl")?;
    if options.controllers {
        project.program("kube-controller-manager")?;
    }
    if options.cloud {
        project.python()?;
    }
    if options.chart {
        project.program("helm")?;
    }
    match project.operator(options.operator_bin.as_deref()) {
        Ok(path) => options.operator_bin = Some(path),
        Err(error) if options.operator => return Err(error),
        Err(_) => {}
    }
    Ok(())
}

fn temporary_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("ambit-bed-{}-{number}", std::process::id()))
}

/// Makes the bed's folders. The folder itself must be new or empty: making it
/// is also what keeps two starts apart.
fn make_folders(layout: &Layout) -> Result<()> {
    let dir = layout.dir();
    if layout.state().exists() {
        return Err(BedError::FolderTaken { dir: dir.to_owned(), what: "another bed" });
    }
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(BedError::FolderTaken { dir: dir.to_owned(), what: "files that no bed made" });
    }
    for folder in layout.folders() {
        std::fs::create_dir_all(&folder).doing(|| format!("create `{}`", folder.display()))?;
    }
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(dir, private).doing(|| format!("close `{}` to others", dir.display()))
}
