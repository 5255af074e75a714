//! A folder of one test, and Ambit run in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder. It goes when the test ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ambit-offline-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn with(self, name: &str, content: &str) -> Self {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("`{name}` must be there: {error}"))
    }

    /// Exit code, standard output and standard error of Ambit.
    pub(crate) fn ambit(&self, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ambit"));
        command.args(arguments).current_dir(&self.0).env_remove("AMBIT_INSTALLATION");
        run(command, input)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Exit code, standard output and standard error of a command. The input must be small.
pub(crate) fn run(mut command: Command, input: &str) -> (Option<i32>, String, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that ends without reading its input is as good.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// What a cluster has: an account and a policy for all namespaces, and a namespace.
pub(crate) const CLUSTER: &str = "\
apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: '123456789012'
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: 'https://oidc.example.com/prod-eu'}}
  namespaceSelector: {}
---
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: all}
spec:
  namespaceSelector: {}
  allow: [{name: data, actions: ['s3:*', 'sqs:*'], resources: ['arn:aws:s3:::*', 'arn:aws:sqs:*:*:*']}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
";

/// An identity that reads a bucket.
pub(crate) const ORDERS: &str = "\
apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata:
  name: orders
  namespace: shop
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: orders}}
  sessionDuration: 2h
  scopes:
    - name: inbox
      actions: ['s3:GetObject']
      resources: ['arn:aws:s3:::orders-in/*']
";

/// Something that is not Ambit's.
pub(crate) const OTHER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
