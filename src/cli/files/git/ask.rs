//! How git is asked. The files may be those of a stranger's change, so that nothing in them may
//! steer git: it takes no repository that came with the files, and fetches and starts nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A setting of the repository's own would else decide.
const SETTINGS: [&str; 4] =
    ["safe.bareRepository=explicit", "core.fsmonitor=false", "protocol.allow=never", "core.warnAmbiguousRefs=true"];

/// What is set for git. A missing object could else be fetched, by whatever command the
/// repository names.
const SET: [(&str, &str); 6] = [
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("LC_ALL", "C"),
];

/// The only ones of git's variables that it keeps. The others, such as those that a hook of git
/// has, tell of another repository, or of commands to start.
const KEPT: [&str; 4] =
    ["GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"];

/// Why git did not answer.
pub(super) enum Silence {
    /// It is not installed.
    Missing,
    /// Anything else.
    Failed(String),
}

impl From<Silence> for String {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Missing => {
                "git is not installed, which --base needs for a revision: install it, or give --base a folder"
                    .to_owned()
            }
            Silence::Failed(error) => error,
        }
    }
}

/// Asks git in a folder.
pub(super) fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Result<Output, Silence> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Silence::Missing,
        _ => Silence::Failed(format!("git cannot be started: {error}")),
    };
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let is_git = name.as_encoded_bytes().starts_with(b"GIT_");
        if is_git && !KEPT.iter().any(|kept| name == *kept) {
            command.env_remove(name);
        }
    }
    let mut child = command
        .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .envs(SET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // On a thread of its own: git answers while it is still being asked.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output().map_err(|error| Silence::Failed(format!("git did not answer: {error}")))
    })
}

/// The first line that git complained with.
pub(super) fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().next().unwrap_or("git does not say why").trim_start_matches("fatal: ").to_owned()
}

/// Where a file stands in its repository.
pub(super) struct Place {
    /// The folder in which git is asked.
    pub folder: PathBuf,
    /// The root of the repository.
    pub top: String,
    /// The path from the root; empty for the root.
    pub path: String,
    /// Whether it is a folder now.
    pub is_folder: bool,
    /// The root of the repository of which this one is a submodule.
    around: Option<String>,
}

/// Where a file may stand.
pub(super) enum Found {
    In(Place),
    /// In no repository, and what git says of it.
    Nowhere(String),
}

/// Finds the repository of a file.
pub(super) fn place(file: &str) -> Result<Found, Silence> {
    let path = Path::new(file);
    let is_folder = path.is_dir();
    let (folder, name) = if is_folder {
        (path.to_owned(), String::new())
    } else {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (folder.to_owned(), name)
    };
    let question = [
        "rev-parse",
        "--is-bare-repository",
        "--absolute-git-dir",
        "--show-toplevel",
        "--show-prefix",
        "--show-superproject-working-tree",
    ];
    let answer = run(&folder, &question, &[])?;
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    if !answer.status.success() && said.contains("not a git repository") {
        return Ok(Found::Nowhere(complaint(&answer)));
    }
    let lines = String::from_utf8(answer.stdout.clone())
        .map_err(|_| Silence::Failed("git names a folder that is not UTF-8: rename it".to_owned()))?;
    let mut lines = lines.lines();
    let bare = lines.next() == Some("true") || said.contains("bare repository");
    // Only a repository that is taken for one by what lies in a folder is around the folder:
    // `.git`, which cannot come with the files, stands beside them.
    let around_files = lines.next().is_some_and(|dir| folder.canonicalize().is_ok_and(|at| at.starts_with(dir)));
    if bare || around_files {
        return Err(Silence::Failed(format!(
            "`{file}` lies in a folder that is itself built as a repository of git: such a folder may have come with the change, and is not asked what was there before; remove its `HEAD`, `objects` and `refs`, or give --base a folder"
        )));
    }
    if !answer.status.success() {
        return Err(Silence::Failed(format!("the repository of `{file}` cannot be asked: {}", complaint(&answer))));
    }
    let top = lines.next().unwrap_or_default().to_owned();
    let prefix = lines.next().unwrap_or_default();
    let path = format!("{prefix}{name}").trim_end_matches('/').to_owned();
    let around = lines.next().filter(|around| !around.is_empty()).map(str::to_owned);
    Ok(Found::In(Place { folder, top, path, is_folder, around }))
}

/// What a name is to git.
pub(super) enum Named {
    Commit(String),
    Unknown,
    /// Something that is no commit.
    Other,
    /// More than one, and what git says of it.
    Ambiguous(String),
}

impl Place {
    /// What a name is here.
    pub(super) fn named(&self, revision: &str) -> Result<Named, Silence> {
        let answer = run(&self.folder, &["rev-parse", "--verify", revision], &[])?;
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        if let Some(line) = said.lines().find(|line| line.ends_with("is ambiguous") || line.ends_with("is ambiguous."))
        {
            let line = line.trim_start_matches("warning: ").trim_start_matches("error: ").trim_end_matches('.');
            return Ok(Named::Ambiguous(line.to_owned()));
        }
        let object = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        // `^NAME` is everything but NAME to git.
        if !answer.status.success() || object.is_empty() || !object.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Named::Unknown);
        }
        let answer = run(&self.folder, &["rev-parse", "--verify", "--quiet", &format!("{object}^{{commit}}")], &[])?;
        if !answer.status.success() {
            // Of a whole id git says yes unseen.
            return Ok(if object == revision { Named::Unknown } else { Named::Other });
        }
        Ok(Named::Commit(String::from_utf8_lossy(&answer.stdout).trim().to_owned()))
    }

    /// The repository around a submodule records a commit of it, which is what was there before,
    /// and not where a branch of the submodule's own is.
    pub(super) fn refuse_submodule(&self, file: &str, revision: &str, commit: &str) -> Result<(), String> {
        let Some(around) = self.around.as_deref().filter(|_| revision != commit) else { return Ok(()) };
        let inside = Path::new(&self.top).strip_prefix(around).unwrap_or(Path::new(&self.top));
        let inside = inside.to_string_lossy();
        Err(format!(
            "`{file}` is in the submodule `{inside}`, whose own `{revision}` need not be what the repository around it had: give --base the commit that was recorded there, which `git -C {around} rev-parse {revision}:{inside}` prints"
        ))
    }

    pub(super) fn is_shallow(&self) -> Result<bool, Silence> {
        Ok(run(&self.folder, &["rev-parse", "--is-shallow-repository"], &[])?.stdout.starts_with(b"true"))
    }
}
