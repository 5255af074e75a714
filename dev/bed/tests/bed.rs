//! The bed itself, with real parts. Without its programs these tests fail and
//! say which command builds them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ambit_bed::{Bed, BedError, BedOptions, Fault, FaultKind, Part};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;

/// What ends a wait that would never end by itself.
const LIMIT: Duration = Duration::from_mins(1);

fn bed(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bed")).arg("--dir").arg(dir).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ambit-bed-test-{}-{name}", std::process::id()))
}

fn wait_until(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !check() {
        assert!(Instant::now() < deadline, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs; one that only waits to be collected does not.
fn running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// The ids in the bed's pid files.
fn pids(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir.join("pids")).into_iter().flatten().flatten();
    files
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn two_beds_stand_side_by_side_keep_their_keys_and_leave_nothing() {
    let (one, two) = tokio::try_join!(Bed::start(BedOptions::api_only()), Bed::start(BedOptions::api_only())).unwrap();
    assert_ne!(one.issuer(), two.issuer());
    one.tenant("shop").await.unwrap();
    let client = two.client().await.unwrap();
    assert!(Api::<Namespace>::all(client).get_opt("shop").await.unwrap().is_none());

    let before = std::fs::read(one.kubeconfig()).unwrap();
    one.stop_part(Part::Api).await.unwrap();
    assert!(one.kubectl(&["get", "namespace", "shop"]).await.is_err());
    one.start_part(Part::Api).await.unwrap();
    assert_eq!(std::fs::read(one.kubeconfig()).unwrap(), before);
    let seen = one.kubectl(&["get", "namespace", "shop", "-o", "jsonpath={.metadata.labels}"]).await.unwrap();
    assert!(seen.contains(r#""ambit.dev/tenant":"yes""#), "{seen}");

    let api = one.process(Part::Api).unwrap();
    let dir = one.dir();
    drop(one);
    assert!(!api.alive() && !dir.exists());
    assert!(two.alive(Part::Api), "the other bed goes on");
}

#[tokio::test]
async fn a_part_that_cannot_start_is_told_with_the_end_of_its_log() {
    let bed = Bed::start(BedOptions::api_only()).await.unwrap();
    bed.kill_part(Part::Etcd).unwrap();
    let data = bed.dir().join("etcd");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::write(&data, "not a folder").unwrap();
    let error = bed.start_part(Part::Etcd).await.unwrap_err();
    let BedError::PartDied { part: Part::Etcd, status, tail } = &error else { panic!("{error}") };
    assert!(status.starts_with("exit status: "), "{status}");
    assert!(tail.contains("not a directory"), "{tail}");

    let error = bed.start_part(Part::Cloud).await.unwrap_err();
    assert_eq!(error.to_string(), "this bed has no cloud; it was started without it");
}

#[test]
fn the_program_leaves_a_bed_running_and_takes_it_down_again() {
    let dir = folder("program");
    let up = bed(&dir, &["up", "--api-only"]);
    assert!(up.status.success(), "{}", text(&up.stderr));
    let started = pids(&dir);
    assert_eq!(started.len(), 2);
    let again = bed(&dir, &["up", "--api-only"]);
    assert!(again.status.success() && text(&again.stderr).contains("already up"), "{}", text(&again.stderr));
    let env = text(&bed(&dir, &["env"]).stdout);
    assert!(env.contains(&format!("export KUBECONFIG={}/kubeconfig\n", dir.display())), "{env}");
    assert!(env.contains("export PID_API="), "{env}");

    assert!(bed(&dir, &["stop", "api"]).status.success());
    let env = text(&bed(&dir, &["env"]).stdout);
    assert!(!env.contains("PID_API"), "{env}");
    assert!(bed(&dir, &["start", "api"]).status.success());

    let all = [started, pids(&dir)].concat();
    assert!(bed(&dir, &["down"]).status.success());
    assert!(!dir.exists() && !all.iter().any(|pid| running(pid)));
    let twice = bed(&dir, &["down"]);
    assert!(twice.status.success() && text(&twice.stderr).contains("no bed is up"));
    let env = bed(&dir, &["env"]);
    assert_eq!(env.status.code(), Some(2));
    assert!(text(&env.stderr).contains("run `bed up` first"));
}

/// Starts `bed up` and returns once it has started something itself.
fn half_up(dir: &Path) -> (Child, Vec<String>) {
    let child = Command::new(env!("CARGO_BIN_EXE_bed"))
        .arg("--dir")
        .arg(dir)
        .args(["up", "--api-only"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("two processes", || pids(dir).len() == 2);
    (child, pids(dir))
}

#[test]
fn a_start_that_is_interrupted_or_killed_leaves_nothing() {
    for (signal, code) in [("INT", Some(130)), ("KILL", None)] {
        let dir = folder(signal);
        let (mut child, started) = half_up(&dir);
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), code);
        wait_until("the end of every process", || !started.iter().any(|pid| running(pid)));
        wait_until("the end of the folder", || !dir.exists());
    }
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"PROVIDER"},
  "Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{
    "HOST:aud":"sts.amazonaws.com","HOST:sub":"system:serviceaccount:shop:orders"}}}]}"#;

const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop}
spec:
  serviceAccountName: NAME
  containers:
  - name: main
    image: none
    env:
    - {name: AWS_ENDPOINT_URL, value: "URL-OF-THE-CLOUD"}
    - {name: AWS_REGION, value: us-east-1}
    - {name: AWS_ROLE_ARN, value: "arn:aws:iam::000000000000:role/orders"}
    - {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /var/run/secrets/cloud/token}
    volumeMounts: [{name: cloud, mountPath: /var/run/secrets/cloud}]
  volumes:
  - name: cloud
    projected: {sources: [{serviceAccountToken: {audience: sts.amazonaws.com, expirationSeconds: 600, path: token}}]}
"#;

/// Buckets, a role that only `shop/orders` may assume, and a pod for each of two service accounts.
async fn furnish(bed: &Bed) {
    bed.plant(&["buckets", "mine", "other"]).await.unwrap();
    let host = bed.issuer().replace("https://", "");
    let provider = format!("arn:aws:iam::{}:oidc-provider/{host}", bed.account_id());
    let files = bed.dir();
    let trust = files.join("trust.json");
    std::fs::write(&trust, TRUST.replace("PROVIDER", &provider).replace("HOST", &host)).unwrap();
    let policy = files.join("policy.json");
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::mine/*"}]}"#;
    std::fs::write(&policy, allow).unwrap();
    let issuer = bed.issuer();
    let python = "import boto3,sys;boto3.client('iam').create_open_id_connect_provider(Url=sys.argv[1],ClientIDList=['sts.amazonaws.com'],ThumbprintList=['0'*40])";
    let interpreter = bed.workload(&[]).unwrap().remove(0);
    let output = Command::new(interpreter)
        .args(["-c", python, &issuer])
        .env_clear()
        .envs(bed.root_environment())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (trust, policy) = (trust.to_string_lossy(), policy.to_string_lossy());
    bed.plant(&["role", "orders", "--trust", &trust]).await.unwrap();
    bed.plant(&["widen", "orders", "--policy", &policy, "--name", "read"]).await.unwrap();
    bed.tenant("shop").await.unwrap();
    for name in ["orders", "thief"] {
        bed.kubectl(&["-n", "shop", "create", "serviceaccount", name]).await.unwrap();
        bed.apply(&POD.replace("NAME", name).replace("URL-OF-THE-CLOUD", &bed.endpoint_url())).await.unwrap();
    }
}

#[tokio::test]
async fn a_pod_reaches_the_cloud_with_its_own_token_and_every_call_is_counted() {
    let options = BedOptions { chart: false, operator: false, ..BedOptions::default() };
    let bed = Bed::start(options).await.unwrap();
    furnish(&bed).await;
    bed.reset_counts().await.unwrap();

    let read = async |pod: &str, bucket: &str| {
        let program = bed.workload(&["read", bucket, "hello.txt"]).unwrap();
        let run = bed.run_pod("shop", pod, &program).await.unwrap();
        (run.status.code(), run.stdout)
    };
    assert_eq!(read("orders", "mine").await, (Some(0), "hello from mine\n\n".to_owned()));
    assert_eq!(read("orders", "other").await.0, Some(3), "denied by S3");
    assert_eq!(read("thief", "mine").await.0, Some(4), "refused by STS");

    let counts = bed.counts().await.unwrap();
    assert_eq!(counts.of("sts:AssumeRoleWithWebIdentity"), 3);
    assert_eq!(counts.by("session"), 2);
    assert_eq!(counts.by("root"), 0, "planting goes past the proxy");

    let refuse = Fault::nth("sts:AssumeRoleWithWebIdentity", 1, FaultKind::Refuse).answering(403, "AccessDenied");
    bed.set_fault(&refuse).await.unwrap();
    assert_eq!(read("orders", "mine").await.0, Some(4), "the fault shows");
    bed.stop_part(Part::Cloud).await.unwrap();
    assert_eq!(read("orders", "mine").await.0, Some(5), "nobody answers");
    bed.start_part(Part::Cloud).await.unwrap();
    assert_eq!(read("orders", "mine").await.0, Some(0), "the cloud kept its state");
    bed.finish().unwrap();
}
