//! Files as they were at a revision of git. It is git itself that is asked, and
//! never through a shell.

mod ask;

use std::collections::BTreeSet;
use std::path::Path;

use self::ask::{Found, Named, Place, Silence, complaint, run};
use super::Text;
use super::walk::{MAX_BYTES, may_hold_objects};

/// The same files as they were, and what is to be told of the reading.
pub(super) fn texts(revision: &str, files: &[String]) -> Result<(Vec<Text>, Vec<String>), String> {
    if revision.is_empty() || revision.starts_with('-') {
        return Err(format!(
            "`{revision}` is neither a file or folder nor a revision of git: give --base a folder, or a revision such as `origin/main`"
        ));
    }
    let (mut texts, mut notes, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for file in files {
        if file == "-" {
            return Err(
                "standard input has no revision of git: give -f the files themselves, or --base a file or folder with what was rendered before"
                    .to_owned(),
            );
        }
        let asked = Asked::of(file, revision)?;
        let entries = asked.entries(&mut notes)?;
        if entries.is_empty() {
            notes.push(format!("`{file}` was not there at `{revision}`: all in it counts as new"));
        }
        let new: Vec<Entry> =
            entries.into_iter().filter(|entry| seen.insert((asked.place.top.clone(), entry.path.clone()))).collect();
        texts.extend(asked.read(&new)?);
    }
    Ok((texts, notes))
}

/// Refuses the name of a file or folder that is a revision in a repository of the files too:
/// who adds a folder of that name would else choose what it is compared with.
pub(super) fn refuse_both(base: &str, files: &[String]) -> Result<(), String> {
    // No revision has such a name.
    let is_plainly_path = base.starts_with(['.', '/', '-']) || base.ends_with('/');
    for file in files.iter().filter(|file| *file != "-" && !is_plainly_path) {
        let place = match ask::place(file) {
            Ok(Found::In(place)) => place,
            Ok(Found::Nowhere(_)) | Err(Silence::Missing) => continue,
            Err(silence) => return Err(silence.into()),
        };
        if !matches!(place.named(base)?, Named::Unknown) {
            return Err(format!(
                "`{base}` is both a file or folder and a revision of git: write `./{base}` for the file or folder; for the revision its whole name, such as `refs/remotes/{base}`, or its commit"
            ));
        }
    }
    Ok(())
}

/// Refuses a file behind a link to a folder: read now it is the link's target, and whoever makes
/// the link would choose what it is compared with.
fn refuse_link(file: &str, top: &str) -> Result<(), String> {
    let within = |path: &&Path| !path.as_os_str().is_empty() && (path.is_relative() || path.starts_with(top));
    let is_link = |path: &&Path| path.is_symlink() && path.is_dir();
    match Path::new(file).ancestors().filter(within).find(is_link) {
        None => Ok(()),
        Some(link) => Err(format!(
            "`{}` is a link to a folder, and what stood there at another revision cannot be told by what it leads to now: name the folder itself",
            link.display()
        )),
    }
}

/// One name of a file or folder, in its repository.
struct Asked<'a> {
    file: &'a str,
    revision: &'a str,
    place: Place,
    commit: String,
}

/// A file of a tree.
struct Entry {
    object: String,
    path: Vec<u8>,
}

impl<'a> Asked<'a> {
    fn of(file: &'a str, revision: &'a str) -> Result<Self, String> {
        let place = match ask::place(file)? {
            Found::In(place) => place,
            Found::Nowhere(said) => {
                return Err(format!(
                    "`{revision}` is no file or folder, and `{file}` is in no repository of git: {said}"
                ));
            }
        };
        refuse_link(file, &place.top)?;
        let commit = match place.named(revision)? {
            Named::Commit(commit) => commit,
            Named::Unknown | Named::Other => return Err(unknown(revision, file, place.is_shallow()?)),
            Named::Ambiguous(said) => {
                return Err(format!(
                    "`{revision}` must be one revision of the repository of `{file}`: {said}; write its whole name, such as `refs/remotes/{revision}`, `refs/heads/{revision}` or `refs/tags/{revision}`"
                ));
            }
        };
        place.refuse_submodule(file, revision, &commit)?;
        Ok(Self { file, revision, place, commit })
    }

    /// The files that may hold objects.
    fn entries(&self, notes: &mut Vec<String>) -> Result<Vec<Entry>, String> {
        let mut arguments = vec!["--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", &self.commit, "--"];
        if !self.place.path.is_empty() {
            arguments.push(&self.place.path);
        }
        let listed = self.git(&arguments, &[])?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut links = Vec::new();
        for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let Some(at) = line.iter().position(|byte| *byte == b'\t') else { continue };
            let (head, path) = line.split_at(at);
            let (head, path) = (String::from_utf8_lossy(head), path.get(1..).unwrap_or_default().to_vec());
            let mut words = head.split(' ');
            let (mode, object) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
            let shown = String::from_utf8_lossy(&path).into_owned();
            match mode {
                "160000" => notes.push(format!(
                    "`{shown}` is a submodule, which is not looked into at `{}`: all in it counts as new",
                    self.revision
                )),
                _ if !self.wants(&shown) => {}
                "120000" => links.push(path),
                _ => entries.push(Entry { object: object.to_owned(), path }),
            }
        }
        for path in links {
            match self.behind(&path)? {
                Some(object) if entries.iter().all(|entry| entry.object != object) => {
                    entries.push(Entry { object, path });
                }
                Some(_) => {}
                None => notes.push(format!(
                    "`{}` is a link to no file of the repository at `{}`, and was passed over there",
                    String::from_utf8_lossy(&path),
                    self.revision
                )),
            }
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }

    /// Whether a path is the file that was named, or one of the folder's that may hold objects.
    fn wants(&self, path: &str) -> bool {
        if !self.place.is_folder && path == self.place.path {
            return true;
        }
        let inside = path.strip_prefix(self.place.path.as_str()).unwrap_or(path).trim_start_matches('/');
        let folders = inside.rsplit_once('/').map_or("", |(folders, _)| folders);
        may_hold_objects(Path::new(path)) && !folders.split('/').any(|folder| folder.starts_with('.'))
    }

    /// The file that a link leads to, if it is in the repository.
    fn behind(&self, path: &[u8]) -> Result<Option<String>, String> {
        if path.contains(&b'\n') {
            return Ok(None);
        }
        let question = [self.commit.as_bytes(), b":", path, b"\n"].concat();
        let answer = self.git(&["cat-file", "--batch-check", "--follow-symlinks"], &question)?;
        let answer = String::from_utf8_lossy(&answer);
        let mut words = answer.lines().next().unwrap_or_default().split(' ');
        let (object, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        Ok((kind == "blob").then(|| object.to_owned()))
    }

    fn read(&self, entries: &[Entry]) -> Result<Vec<Text>, String> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let question = entries.iter().flat_map(|entry| [entry.object.as_str(), "\n"]).collect::<String>();
        let answer = self.git(&["cat-file", "--batch"], question.as_bytes())?;
        let mut rest = answer.as_slice();
        entries.iter().map(|entry| self.next(entry, &mut rest)).collect()
    }

    /// The next object of an answer: `OBJECT blob SIZE`, a line break, the content, a line break.
    fn next(&self, entry: &Entry, rest: &mut &[u8]) -> Result<Text, String> {
        let name = self.name(&String::from_utf8_lossy(&entry.path));
        let at_base = format!("`{name}` at `{}`", self.revision);
        let gone = || {
            format!(
                "{at_base} cannot be read: git does not have it here, and nothing is fetched; fetch it first, in a partial clone with `git fetch --refetch --no-filter origin`"
            )
        };
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(gone)?;
        let (head, body) = rest.split_at(end);
        let head = String::from_utf8_lossy(head);
        let size: usize = head.split_once(" blob ").and_then(|(_, size)| size.parse().ok()).ok_or_else(gone)?;
        let content = body.get(1..=size).ok_or_else(gone)?;
        *rest = body.get(size + 2..).unwrap_or_default();
        if size as u64 >= MAX_BYTES {
            return Err(format!("{at_base} is larger than {} MB: split it", MAX_BYTES / 1024 / 1024));
        }
        let text = String::from_utf8(content.to_vec()).map_err(|_| format!("{at_base} is not UTF-8 text"))?;
        Ok(Text { name, text })
    }

    /// The name that a path of the repository has seen from here.
    fn name(&self, path: &str) -> String {
        match path.strip_prefix(self.place.path.as_str()).map(|inside| inside.trim_start_matches('/')) {
            Some("") | None => self.file.to_owned(),
            Some(inside) => format!("{}/{inside}", self.file.trim_end_matches('/')),
        }
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let output = run(&self.place.folder, arguments, input)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(format!("`{}` at `{}` cannot be read: {}", self.file, self.revision, complaint(&output)))
    }
}

fn unknown(revision: &str, file: &str, shallow: bool) -> String {
    let hint = if shallow {
        ", whose clone is shallow: fetch more of it first, such as with `git fetch --unshallow origin` or `fetch-depth: 0`"
    } else {
        ": fetch it first, or give --base a folder"
    };
    format!("`{revision}` is no file or folder, and no revision that is here of the repository of `{file}`{hint}")
}
