use std::path::PathBuf;
use std::process::Command;

use super::*;

/// Names with their texts.
type Pairs = Vec<(String, String)>;

/// A folder of one test. It goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ambit-files-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn name(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    fn git(&self, arguments: &[&str]) {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        let output = command.arg("-C").arg(&self.0).args(who).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", "x"]);
    }

    fn read(&self, names: &[&str]) -> Vec<(String, String)> {
        let names: Vec<String> = names.iter().map(|name| self.name(name)).collect();
        self.short(walk::Reader::default().texts(&names).unwrap())
    }

    fn at(&self, revision: &str, names: &[&str]) -> Result<(Pairs, Vec<String>), String> {
        let names: Vec<String> = names.iter().map(|name| self.name(name)).collect();
        git::texts(revision, &names).map(|(texts, notes)| (self.short(texts), notes)).map_err(|error| self.cut(&error))
    }

    fn short(&self, texts: Vec<Text>) -> Vec<(String, String)> {
        texts.into_iter().map(|text| (self.cut(&text.name), text.text)).collect()
    }

    fn cut(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.to_string_lossy()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_folder_is_read_in_order_without_what_is_hidden_or_no_object() {
    let folder = Folder::new("order");
    for name in ["b/z.json", "b/a.yml", "a.yaml", "b/.git/x.yaml", "b/readme.md", ".y.yaml"] {
        folder.write(name, name);
    }
    assert_eq!(
        folder.read(&[""]).into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
        [".y.yaml", "a.yaml", "b/a.yml", "b/z.json"]
    );
    assert_eq!(folder.read(&["b/.git"]), pairs(&[("b/.git/x.yaml", "b/.git/x.yaml")]), "unless it is named");
    assert_eq!(folder.read(&["b/readme.md"]), pairs(&[("b/readme.md", "b/readme.md")]));
    assert_eq!(
        folder.read(&["b/a.yml", "b", "b/../b/a.yml"]),
        pairs(&[("b/a.yml", "b/a.yml"), ("b/z.json", "b/z.json")]),
        "each once"
    );
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles_end_and_strange_names_are_read() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new("links");
    folder.write("a/x.yaml", "x");
    std::os::unix::fs::symlink("..", folder.0.join("a/up")).unwrap();
    std::os::unix::fs::symlink("x.yaml", folder.0.join("a/y.yaml")).unwrap();
    let strange = std::ffi::OsStr::from_bytes(b"a/\xff.yaml");
    std::fs::write(folder.0.join(strange), "strange").unwrap();
    assert_eq!(folder.read(&["a"]), pairs(&[("a/x.yaml", "x"), ("a/\u{fffd}.yaml", "strange")]));
    std::os::unix::fs::symlink("gone.yaml", folder.0.join("a/z.yaml")).unwrap();
    let error = walk::Reader::default().texts(&[folder.name("a")]).unwrap_err();
    assert_eq!(folder.cut(&error), "`a/z.yaml` cannot be read: No such file or directory (os error 2)");
}

#[test]
fn what_looks_like_a_template_says_how_to_render_it() {
    let text = |text: &str| Text { name: "t.yaml".to_owned(), text: text.to_owned() };
    let found = parse::all(&[text("{{- if .Values.x }}\nkind: A\n"), text(": [")]);
    let help = found[0].findings[0].help.clone().unwrap();
    assert_eq!(
        help,
        "the file holds `{{` and so looks like a template: render it first, such as with `helm template`, and pass what comes out with `-f -`"
    );
    assert_eq!(&*found[0].findings[0].spot.file, "t.yaml");
    assert_ne!(found[1].findings[0].help, Some(help));
}

#[test]
fn a_revision_has_the_files_as_they_were() {
    let folder = Folder::new("revision");
    folder.git(&["init", "-q"]);
    folder.write("env/prod/a.yaml", "old a");
    folder.write("env/prod/sub/b.yaml", "old b");
    folder.write("env/prod/.x/c.yaml", "hidden");
    folder.write("env/prod/notes.txt", "no object");
    folder.write("env/prodigy/d.yaml", "a neighbour");
    folder.commit();
    folder.write("env/prod/a.yaml", "new a");
    folder.write("env/new/e.yaml", "new e");
    std::fs::remove_file(folder.0.join("env/prod/sub/b.yaml")).unwrap();
    let old = pairs(&[("env/prod/a.yaml", "old a"), ("env/prod/sub/b.yaml", "old b")]);
    assert_eq!(folder.at("HEAD", &["env/prod"]), Ok((old.clone(), Vec::new())));
    assert_eq!(folder.at("main", &["env/prod/a.yaml"]), Ok((pairs(&[("env/prod/a.yaml", "old a")]), Vec::new())));
    assert_eq!(folder.at("HEAD", &["env/prod/", "env/prod/a.yaml"]), Ok((old, Vec::new())), "each once");
    assert_eq!(
        folder.at("HEAD", &["env/new"]),
        Ok((
            Vec::new(),
            vec![format!("`{}` was not there at `HEAD`: all in it counts as new", folder.name("env/new"))]
        ))
    );
    assert_eq!(folder.at("HEAD", &[""]).unwrap().0.len(), 3, "the whole repository");
}

#[test]
fn a_revision_that_is_not_there_says_what_to_do() {
    let folder = Folder::new("unknown");
    folder.write("a/x.yaml", "x");
    let error = folder.at("HEAD", &["a"]).unwrap_err();
    assert!(error.starts_with("`HEAD` is no file or folder, and `a` is in no repository of git: "), "{error}");
    folder.git(&["init", "-q"]);
    folder.commit();
    assert_eq!(
        folder.at("other", &["a"]).unwrap_err(),
        "`other` is no file or folder, and no revision that is here of the repository of `a`: fetch it first, or give --base a folder"
    );
    for option in ["--help", "-z", ""] {
        assert_eq!(
            folder.at(option, &["a"]).unwrap_err(),
            format!(
                "`{option}` is neither a file or folder nor a revision of git: give --base a folder, or a revision such as `origin/main`"
            )
        );
    }
    assert_eq!(
        git::texts("HEAD", &["-".to_owned()]).unwrap_err(),
        "standard input has no revision of git: give -f the files themselves, or --base a file or folder with what was rendered before"
    );
    folder.write("a/x.yaml", "y");
    folder.commit();
    let clone = Folder::new("unknown-clone");
    clone.git(&["clone", "-q", "--depth=1", &format!("file://{}", folder.0.to_string_lossy()), "."]);
    assert_eq!(
        clone.at("HEAD~1", &["a"]).unwrap_err(),
        "`HEAD~1` is no file or folder, and no revision that is here of the repository of `a`, whose clone is shallow: \
         fetch more of it first, such as with `git fetch --unshallow origin` or `fetch-depth: 0`"
    );
}

/// Makes a folder of files a repository of its own, as a change can: what counts as `main` in it
/// is the change's own.
fn embed(folder: &Folder, evil: &Folder) {
    evil.git(&["init", "-q"]);
    evil.write("deploy/a.yaml", "wide");
    evil.commit();
    for name in ["HEAD", "config", "objects", "refs"] {
        std::fs::rename(evil.0.join(".git").join(name), folder.0.join("deploy").join(name)).unwrap();
    }
    folder.git(&["config", "-f", "deploy/config", "core.worktree", ".."]);
}

#[test]
fn a_folder_that_is_built_as_a_repository_is_not_asked() {
    let (folder, evil) = (Folder::new("embedded"), Folder::new("embedded-evil"));
    folder.git(&["init", "-q"]);
    folder.write("deploy/a.yaml", "narrow");
    folder.write("deploy/objects/b.yaml", "inside");
    folder.commit();
    std::fs::remove_dir_all(folder.0.join("deploy/objects")).unwrap();
    embed(&folder, &evil);
    let refused = |name: &str| {
        format!(
            "`{name}` lies in a folder that is itself built as a repository of git: such a folder may have come with the change, and is not asked what was there before; remove its `HEAD`, `objects` and `refs`, or give --base a folder"
        )
    };
    for name in ["deploy", "deploy/a.yaml", "deploy/objects"] {
        assert_eq!(folder.at("main", &[name]).unwrap_err(), refused(name));
        assert_eq!(
            git::refuse_both("main", &[folder.name(name)]).map_err(|error| folder.cut(&error)).unwrap_err(),
            refused(name),
            "nor is a folder of that name believed"
        );
    }
    let old = folder.at("main", &[""]).unwrap().0;
    assert_eq!(old, pairs(&[("deploy/a.yaml", "narrow"), ("deploy/objects/b.yaml", "inside")]));
}

#[cfg(unix)]
#[test]
fn nothing_is_fetched_and_no_command_of_a_repository_is_run() {
    let folder = Folder::new("promisor");
    folder.git(&["init", "-q"]);
    folder.write("a/x.yaml", "x");
    folder.commit();
    let proof = folder.name("proof");
    folder.git(&["config", "core.repositoryFormatVersion", "1"]);
    folder.git(&["config", "extensions.partialClone", "origin"]);
    folder.git(&["config", "remote.origin.promisor", "true"]);
    folder.git(&["config", "remote.origin.url", &folder.name("other")]);
    folder.git(&["config", "remote.origin.uploadpack", &format!("touch {proof}; false")]);
    folder.git(&["config", "core.fsmonitor", &format!("touch {proof}; false")]);
    folder.git(&["config", "protocol.file.allow", "always"]);
    let blob = Command::new("git").arg("-C").arg(&folder.0).args(["rev-parse", "HEAD:a/x.yaml"]).output().unwrap();
    let blob = String::from_utf8(blob.stdout).unwrap();
    let (head, rest) = blob.trim().split_at(2);
    std::fs::remove_file(folder.0.join(".git/objects").join(head).join(rest)).unwrap();
    let error = folder.at("HEAD", &["a"]).unwrap_err();
    assert_eq!(
        error,
        "`a/x.yaml` at `HEAD` cannot be read: git does not have it here, and nothing is fetched; fetch it first, in a partial clone with `git fetch --refetch --no-filter origin`"
    );
    assert!(!folder.0.join("proof").exists());
}

#[test]
fn a_folder_with_the_name_of_a_revision_is_refused() {
    let folder = Folder::new("both");
    folder.write("a/x.yaml", "x");
    let both = |base: &str| git::refuse_both(base, &[folder.name("a"), "-".to_owned()]);
    assert_eq!(both("origin/main"), Ok(()), "no repository");
    folder.git(&["init", "-q"]);
    folder.commit();
    assert_eq!(both("origin/main"), Ok(()), "no such revision");
    folder.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    assert_eq!(
        both("origin/main").unwrap_err(),
        "`origin/main` is both a file or folder and a revision of git: write `./origin/main` for the file or folder; for the revision its whole name, such as `refs/remotes/origin/main`, or its commit"
    );
    for path in ["./origin/main", "origin/main/", "/origin/main", "-", "--help"] {
        assert_eq!(both(path), Ok(()), "{path}");
    }
    folder.git(&["tag", "word", "HEAD:a/x.yaml"]);
    both("word").unwrap_err();
}

#[test]
fn a_revision_of_two_meanings_is_refused() {
    let folder = Folder::new("ambiguous");
    folder.git(&["init", "-q"]);
    folder.write("a/x.yaml", "x");
    folder.commit();
    folder.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    folder.git(&["tag", "origin/main"]);
    folder.git(&["config", "core.warnAmbiguousRefs", "false"]);
    assert_eq!(
        folder.at("origin/main", &["a"]).unwrap_err(),
        "`origin/main` must be one revision of the repository of `a`: refname 'origin/main' is ambiguous; write its whole name, such as `refs/remotes/origin/main`, `refs/heads/origin/main` or `refs/tags/origin/main`"
    );
    assert_eq!(folder.at("refs/remotes/origin/main", &["a"]).unwrap().0, pairs(&[("a/x.yaml", "x")]));
    folder.git(&["tag", "-d", "origin/main"]);
    assert_eq!(folder.at(":/x", &["a"]).unwrap().0.len(), 1, "the commit with that text");
    let error = folder.at("^HEAD", &["a"]).unwrap_err();
    assert!(error.starts_with("`^HEAD` is no file or folder, and no revision that is here"), "{error}");
}

#[test]
fn a_submodule_is_compared_with_a_commit_only() {
    let (folder, other) = (Folder::new("around"), Folder::new("submodule"));
    for one in [&folder, &other] {
        one.git(&["init", "-q"]);
        one.write("a/x.yaml", "x");
        one.commit();
    }
    let other = other.name("");
    folder.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        other.trim_end_matches('/'),
        "sub",
    ]);
    folder.commit();
    assert_eq!(
        folder
            .at("HEAD", &["sub/a"])
            .unwrap_err()
            .replace(&folder.0.canonicalize().unwrap().to_string_lossy().into_owned(), "TOP"),
        "`sub/a` is in the submodule `sub`, whose own `HEAD` need not be what the repository around it had: give --base the commit that was recorded there, which `git -C TOP rev-parse HEAD:sub` prints"
    );
    let commit = Command::new("git").arg("-C").arg(&folder.0).args(["rev-parse", "HEAD:sub"]).output().unwrap();
    let commit = String::from_utf8(commit.stdout).unwrap();
    assert_eq!(folder.at(commit.trim(), &["sub/a"]).unwrap().0, pairs(&[("sub/a/x.yaml", "x")]));
}

#[cfg(unix)]
#[test]
fn a_link_of_a_revision_is_followed_within_it() {
    let folder = Folder::new("linked");
    folder.git(&["init", "-q"]);
    folder.write("shared/x.yaml", "x");
    folder.write("env/a.yaml", "a");
    std::os::unix::fs::symlink("../shared/x.yaml", folder.0.join("env/x.yaml")).unwrap();
    std::os::unix::fs::symlink("gone.yaml", folder.0.join("env/y.yaml")).unwrap();
    folder.commit();
    let (texts, notes) = folder.at("HEAD", &["env"]).unwrap();
    assert_eq!(texts, pairs(&[("env/a.yaml", "a"), ("env/x.yaml", "x")]));
    assert_eq!(notes, ["`env/y.yaml` is a link to no file of the repository at `HEAD`, and was passed over there"]);
}

#[test]
fn a_text_that_stayed_is_read_once_and_all_stay_in_order() {
    let text = |name: &str, namespace: &str| Text {
        name: name.to_owned(),
        text: format!("apiVersion: ambit.dev/v1alpha1\nkind: Other\nmetadata: {{name: {namespace}}}\n---\n: ["),
    };
    let new = [text("a", "x"), text("b", "x"), text("c", "x")];
    let old = [text("b", "y"), text("c", "x"), text("d", "x")];
    let (was, is) = parse::both(&old, &new);
    let files = |all: &[Manifests]| all.iter().map(|one| one.findings[0].spot.file.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (files(&was), files(&is)),
        (vec!["b".into(), "c".into(), "d".into()], vec!["a".into(), "b".into(), "c".into()])
    );
}
