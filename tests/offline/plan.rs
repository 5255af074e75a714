//! `ambit plan`: what it prints, how it ends, and what it asks git for.

use std::process::Command;

use crate::folder::{Ended, Folder, run};

const BESIDE: &str = r#"
apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: "123456789012"
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: "https://oidc.example.com/id/A"}}
  namespaceSelector: {}
---
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: tenants}
spec:
  namespaceSelector: {}
  allow: [{name: data, actions: ["s3:*"], resources: ["*"]}]
"#;

const WIDER: &str = "\
~ shop/orders  AWS  role shop-orders-jjqdoewvnb
  + s3:DeleteObject on arn:aws:s3:::orders-in/*   [WIDER, data loss]
    can now delete object `orders-in/x`
    for example s3:DeleteObject on arn:aws:s3:::orders-in/x
1 to change, 0 to create, 0 to delete; 1 widens access
";

fn orders(actions: &str) -> String {
    format!(
        "apiVersion: ambit.dev/v1alpha1\nkind: MachineIdentity\nmetadata: {{name: orders, namespace: shop}}\nspec:\n  \
         accountRef: {{name: prod}}\n  subject: {{serviceAccount: {{name: orders}}}}\n  \
         scopes: [{{name: inbox, actions: [{actions}], resources: [\"arn:aws:s3:::orders-in/*\"]}}]\n"
    )
}

/// With the account and the scope policy in `beside.yaml`.
fn folder(test: &str) -> Folder {
    Folder::new(test).with("beside.yaml", BESIDE)
}

impl Folder {
    fn run(&self, program: &str, inside: &str, arguments: &[&str], input: &str) -> Ended {
        let mut command = Command::new(program);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        command.args(arguments).env("AMBIT_INSTALLATION", "sim").current_dir(self.path().join(inside));
        run(command, input)
    }

    fn git(&self, arguments: &[&str]) {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
        let (code, _, err) = self.run("git", "", &[&who, arguments].concat(), "");
        assert_eq!(code, Some(0), "{err}");
    }

    /// `ambit plan`, run in a folder of it.
    fn plan(&self, inside: &str, arguments: &[&str], input: &str) -> Ended {
        self.run(env!("CARGO_BIN_EXE_ambit"), inside, &[&["plan"], arguments].concat(), input)
    }
}

fn answer(code: i32, out: &str) -> Ended {
    (Some(code), out.to_owned(), String::new())
}

#[test]
fn folders_files_and_standard_input_are_compared() {
    let (old, new) = (orders("s3:GetObject"), orders("s3:GetObject, s3:DeleteObject"));
    let folder = folder("sides").with("old/a.yaml", &old).with("new/b.yaml", &new);
    let with = ["--with", "beside.yaml"];
    let plan = |arguments: &[&str], input: &str| folder.plan("", &[arguments, &with].concat(), input);
    assert_eq!(plan(&["-f", "new", "--base", "old"], ""), answer(3, WIDER));
    assert_eq!(plan(&["-f", "-", "--base", "old/a.yaml"], &new), answer(3, WIDER));
    assert_eq!(plan(&["-f", "new/b.yaml", "--base", "-"], &old), answer(3, WIDER));
    assert_eq!(plan(&["-f", "new", "--base", "old", "--fail-on", "never"], ""), answer(0, WIDER));
    let none = "0 to change, 0 to create, 0 to delete; none widens access\n";
    assert_eq!(plan(&["-f", "new", "--base", "new"], ""), answer(0, none));
    assert_eq!(plan(&["-f", "old", "--base", "new"], "").0, Some(1));
}

#[test]
fn git_is_asked_for_the_same_files_from_wherever_it_runs() {
    let folder = folder("git").with("env/prod/orders.yaml", orders("s3:GetObject"));
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-qm", "x"]);
    let folder = folder.with("env/prod/orders.yaml", orders("s3:GetObject, s3:DeleteObject"));
    let whole = folder.plan("", &["-f", "env/prod", "--base", "main", "--with", "beside.yaml"], "");
    assert_eq!(whole, answer(3, WIDER));
    let inside = folder.plan("env", &["-f", "prod", "--base", "HEAD", "--with", "../beside.yaml"], "");
    assert_eq!(inside, answer(3, WIDER));
    let folder = folder.with("env/test/orders.yaml", orders("s3:GetObject"));
    let (code, out, err) = folder.plan("", &["-f", "env/test", "--base", "main", "--with", "beside.yaml"], "");
    assert_eq!(
        (code, &*err),
        (Some(3), "ambit: `env/test` was not there at `main`: all in it counts as new\n"),
        "{out}"
    );
    let (code, out, err) = folder.plan("", &["-f", "-", "--base", "main"], "");
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.starts_with("ambit: standard input has no revision of git: "), "{err}");
    let (code, _, err) = folder.plan("", &["-f", "env", "--base=--upload-pack=x"], "");
    assert_eq!(code, Some(2));
    assert!(err.starts_with("ambit: `--upload-pack=x` is neither a file or folder nor a revision of git"), "{err}");
}

#[test]
fn without_git_a_revision_is_an_error_and_a_folder_is_none() {
    let folder = folder("no-git").with("new/a.yaml", orders("s3:GetObject"));
    let output = Command::new(env!("CARGO_BIN_EXE_ambit"))
        .args(["plan", "-f", "new", "--base", "main"])
        .env("PATH", folder.path().join("nothing"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "ambit: git is not installed, which --base needs for a revision: install it, or give --base a folder\n"
    );
}

#[test]
fn what_is_broken_is_never_taken_for_what_is_new() {
    let good = orders("s3:GetObject");
    let bad = good.replace("accountRef", "acountRef");
    let folder = folder("broken").with("good/a.yaml", &good).with("bad/a.yaml", &bad).with("torn/a.yaml", "a: [");
    let plan = |new: &str, base: &str| folder.plan("", &["-f", new, "--base", base, "--with", "beside.yaml"], "");
    let (code, out, err) = plan("good", "bad");
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(
        err.starts_with(
            "ambit: what was before or stands beside is broken, so there is nothing to compare with\nbad/a.yaml:"
        ),
        "{err}"
    );
    let (code, out, _) = plan("bad", "good");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.starts_with("bad/a.yaml:") && !out.contains("- shop/orders"), "{out}");
    let (code, out, _) = plan("torn", "good");
    assert_eq!(code, Some(2), "{out}");
    assert!(out.ends_with("nothing was compared: mend the files first\n"), "{out}");
    let (code, _, err) = plan("gone", "good");
    assert_eq!((code, &*err), (Some(2), "ambit: `gone` cannot be read: No such file or directory (os error 2)\n"));
}

#[test]
fn an_edit_of_policies_is_tried_on_identities_that_stand_beside() {
    let narrow = BESIDE.replace("\"s3:*\"", "\"s3:Put*\"");
    let folder = folder("dry-run").with("new/p.yaml", &narrow).with("live/a.yaml", orders("s3:GetObject"));
    let (code, out, _) = folder.plan("", &["-f", "new", "--base", "beside.yaml", "--with", "live"], "");
    assert_eq!(code, Some(1), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "~ shop/orders  AWS  role shop-orders-jjqdoewvnb   [NO LONGER ALLOWED]");
    assert!(lines[1].starts_with("  ! AMB0114 ScopeDenied: "), "{out}");
    assert_eq!(
        lines[2..],
        [
            "    it is only told: its access stays as it is",
            "1 to change, 0 to create, 0 to delete; none widens access, 1 is refused",
        ]
    );
}

/// Who puts a link in the folder's place would choose what it is compared with.
#[test]
fn a_link_in_the_place_of_a_folder_has_no_past() {
    let wide = orders("s3:GetObject, s3:DeleteObject");
    let folder = folder("link").with("deploy/a.yaml", orders("s3:GetObject")).with("examples/admin/a.yaml", &wide);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-qm", "x"]);
    std::fs::rename(folder.path().join("deploy"), folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("examples/admin", folder.path().join("deploy")).unwrap();
    for file in ["deploy", "deploy/a.yaml"] {
        let (code, out, err) = folder.plan("", &["-f", file, "--base", "main", "--with", "beside.yaml"], "");
        assert_eq!((code, &*out), (Some(2), ""), "{file}");
        assert!(err.starts_with("ambit: `deploy` is a link to a folder, and what stood there"), "{err}");
    }
}

/// A path that was mistyped would else be fine for ever.
#[test]
fn nothing_on_either_side_is_an_error() {
    let folder = folder("nothing").with("new/a.yaml", "kind: ConfigMap\n");
    let (code, out, err) = folder.plan("", &["-f", "new", "--base", "new", "--with", "beside.yaml"], "");
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(err.starts_with("ambit: there is nothing to compare: neither side holds a MachineIdentity; "), "{err}");
}
