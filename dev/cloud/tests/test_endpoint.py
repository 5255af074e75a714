"""Tokens, sessions, running and the two programs, proved through an ordinary SDK."""

import json
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import ACCOUNT, ALLOW_ALL, DENY_ALL, READ_A, EndpointTest, only  # noqa: E402
from support import CLOUD, new_key  # noqa: E402


class WebIdentity(EndpointTest):
    def test_the_right_subject_reads_its_bucket_and_no_other(self):
        answer = self.assume(self.role("web-reader", READ_A, Path="/ambit/"))
        self.assertEqual(answer["SubjectFromWebIdentityToken"], "system:serviceaccount:shop:reader")
        self.assertEqual(answer["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/web-reader/test-session")
        s3 = self.endpoint.as_session("s3", answer["Credentials"])
        self.assertEqual(s3.get_object(Bucket="bucket-a", Key="hello.txt")["Body"].read(), b"hello from bucket-a")
        self.assert_refused("AccessDenied", s3.get_object, "web-reader", "s3:GetObject", "arn:aws:s3:::bucket-b/hello.txt",
                            Bucket="bucket-b", Key="hello.txt", status=403)

    def test_tokens_that_sts_refuses(self):
        arn = self.role("web-strict", READ_A)
        stranger = new_key()
        for code, message, token in (
            ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", self.issuer.token("system:serviceaccount:shop:other")),
            ("InvalidIdentityToken", "Incorrect token audience", self.issuer.token(aud=["vault"])),
            ("ExpiredTokenException", "Token expired", self.issuer.token(exp=1_700_000_000)),
            ("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://else.example",
             self.issuer.token(iss="https://else.example")),
            ("InvalidIdentityToken", "signature", self.issuer.token(key=stranger)),
            ("InvalidIdentityToken", "matching key", self.issuer.token(key=stranger, kid="never")),
            ("InvalidIdentityToken", "not a valid JWT", "not-a-token"),
        ):
            with self.subTest(message):
                self.assert_refused(code, self.assume, message, arn=arn, token=token)

    def test_a_provider_that_cannot_be_reached_is_a_communication_error(self):
        self.iam.create_open_id_connect_provider(Url="https://127.0.0.1:1", ClientIDList=["sts.amazonaws.com"])
        self.assert_refused("IDPCommunicationError", self.assume, arn=self.role("web-unreachable"), token=self.issuer.token(iss="https://127.0.0.1:1"))

    def test_the_path_of_the_role_counts(self):
        self.role("web-path", READ_A, Path="/ambit/")
        self.assert_refused("AccessDenied", self.assume, arn=f"arn:aws:iam::{ACCOUNT}:role/web-path")

    def test_keys_are_fetched_once_and_again_for_a_key_not_seen_yet(self):
        arn = self.role("web-keys")
        self.assume(arn)
        before = len(self.issuer.requests)
        self.assume(arn)
        self.assertEqual(len(self.issuer.requests), before)
        self.issuer.keys["second"] = new_key()
        token = self.issuer.token(kid="second")
        for _ in range(200):  # an unknown key asks the issuer at most once a second
            try:
                self.assume(arn, token)
                break
            except ClientError as refused:
                self.assertEqual(refused.response["Error"]["Code"], "InvalidIdentityToken")
                threading.Event().wait(0.02)
        self.assertEqual(len(self.issuer.requests), before + 2)

    def test_session_length_has_both_ends(self):
        arn = self.role("web-long", MaxSessionDuration=7200)
        self.assume(arn, DurationSeconds=7200)
        self.assert_refused("ValidationError", self.assume, "exceeds the MaxSessionDuration", arn=arn, DurationSeconds=7201)
        form = urlencode({"Action": "AssumeRoleWithWebIdentity", "RoleArn": arn, "RoleSessionName": "short",
                          "WebIdentityToken": self.issuer.token(), "DurationSeconds": 899})  # the SDK would not send it
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(self.endpoint.url, data=form.encode(), timeout=5)
        self.assertIn(b"greater than or equal to 900", caught.exception.read())

    def test_a_session_policy_limits_the_session(self):
        s3 = self.session_s3(self.role("web-limited", ALLOW_ALL), Policy=json.dumps(READ_A))
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")


class Sessions(EndpointTest):
    def test_the_boundary_limits_the_role_and_follows_its_changes(self):
        arn = self.role("bound", ALLOW_ALL, PermissionsBoundary=self.boundary("only-a", READ_A))
        s3 = self.session_s3(arn)
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")
        self.iam.put_role_permissions_boundary(RoleName="bound", PermissionsBoundary=self.boundary("all", ALLOW_ALL))
        s3.get_object(Bucket="bucket-b", Key="hello.txt")

    def test_a_boundary_alone_grants_nothing(self):
        s3 = self.session_s3(self.role("bound-only", PermissionsBoundary=self.boundary("grants-nothing", ALLOW_ALL)))
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-a", Key="hello.txt")

    def test_policy_variables_are_filled_in(self):
        policy = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::${aws:PrincipalTag/bucket}/*"},
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket-*"},
            {"Effect": "Deny", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::${aws:PrincipalTag/bucket}"}]}
        s3 = self.session_s3(self.role("tagged", policy, Tags=[{"Key": "bucket", "Value": "bucket-a"}]))
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")
        s3.list_objects_v2(Bucket="bucket-b")
        self.assert_refused("AccessDenied", s3.list_objects_v2, "explicit deny", Bucket="bucket-a")
        untagged = self.session_s3(self.role("untagged", policy))
        self.assert_refused("AccessDenied", untagged.get_object, Bucket="bucket-a", Key="hello.txt")

    def test_a_denial_holds_from_the_next_call_on(self):
        s3 = self.session_s3(self.role("denied", ALLOW_ALL))
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.iam.put_role_policy(RoleName="denied", PolicyName="stop", PolicyDocument=json.dumps(DENY_ALL))
        self.assert_refused("AccessDenied", s3.get_object, "explicit deny", Bucket="bucket-a", Key="hello.txt")

    def test_a_session_ends_with_its_role_even_if_another_takes_the_name(self):
        arn = self.role("gone", READ_A)
        credentials = self.assume(arn)["Credentials"]
        s3, sts = (self.endpoint.as_session(service, credentials) for service in ("s3", "sts"))
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.iam.delete_role_policy(RoleName="gone", PolicyName="scopes")
        self.iam.delete_role(RoleName="gone")
        for _ in range(2):
            self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-a", Key="hello.txt")
            self.assert_refused("InvalidClientTokenId", sts.get_caller_identity, status=403)
            arn = self.role("gone", READ_A) if "gone" not in self.names() else arn
        self.session_s3(arn).get_object(Bucket="bucket-a", Key="hello.txt")

    def names(self) -> set[str]:
        return {role["RoleName"] for page in self.iam.get_paginator("list_roles").paginate() for role in page["Roles"]}

    def test_last_use_is_told(self):
        arn = self.role("used", READ_A)
        self.assertNotIn("LastUsedDate", self.iam.get_role(RoleName="used")["Role"]["RoleLastUsed"])
        self.session_s3(arn).get_object(Bucket="bucket-a", Key="hello.txt")
        self.assertIn("LastUsedDate", self.iam.get_role(RoleName="used")["Role"]["RoleLastUsed"])

    def test_a_users_signature_is_checked(self):
        self.iam.create_user(UserName="signer")
        key = self.iam.create_access_key(UserName="signer")["AccessKey"]["AccessKeyId"]
        self.assert_refused("SignatureDoesNotMatch", self.endpoint.client("iam", key, "wrong").list_roles, status=403)

    def test_a_user_assumes_a_role_that_trusts_it(self):
        self.user("assumer", only("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/hop/*"))
        key = self.iam.create_access_key(UserName="assumer")["AccessKey"]
        sts = self.endpoint.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
        for name, path, principal in (("hop", "/hop/", "assumer"), ("hop-else", "/else/", "assumer"), ("hop-other", "/hop/", "other")):
            trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{principal}"}, "Action": "sts:AssumeRole"}
            self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
        self.iam.put_role_policy(RoleName="hop", PolicyName="p", PolicyDocument=json.dumps(READ_A))
        good = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/hop/hop", "RoleSessionName": "hop"}
        s3 = self.endpoint.as_session("s3", sts.assume_role(**good)["Credentials"])
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")
        for resource in ("hop", "hop/hop-other", "else/hop-else"):
            self.assert_refused("AccessDenied", sts.assume_role, "sts:AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{resource}", RoleSessionName="hop")
        self.assert_refused("ValidationError", sts.assume_role, **good, DurationSeconds=3601)

    def test_a_boundary_limits_a_user_as_well(self):
        limited = self.user("limited", ALLOW_ALL)
        limited.list_roles()
        self.iam.put_user_permissions_boundary(UserName="limited", PermissionsBoundary=self.boundary("user-boundary", READ_A))
        self.assert_refused("AccessDenied", limited.list_roles, "no permissions boundary allows the iam:ListRoles action")

    def test_no_key_but_test_is_root(self):
        for key in ("123456789012", "AKIAUNKNOWN000000000"):
            self.assert_refused("InvalidClientTokenId", self.endpoint.client("iam", key).list_roles)
            self.assertRaises(ClientError, self.endpoint.client("s3", key).list_buckets)


class Running(EndpointTest):
    def test_the_state_outlives_a_killed_process(self):
        arn = self.role("kept", READ_A, Path="/ambit/", PermissionsBoundary=self.boundary("kept", ALLOW_ALL))
        self.iam.tag_role(RoleName="kept", Tags=[{"Key": "k", "Value": "v"}])
        self.role("dropped")
        self.iam.delete_role(RoleName="dropped")
        user = self.user("kept", ALLOW_ALL)
        s3 = self.session_s3(arn)
        before = self.kept_role(self.iam)
        for kill in (True, False):
            self.endpoint.stop(kill=kill)
            self.endpoint.start()
            self.assertEqual(self.kept_role(user), before)
            self.assert_refused("NoSuchEntity", self.iam.get_role, RoleName="dropped")
            self.assertEqual(s3.get_object(Bucket="bucket-a", Key="hello.txt")["Body"].read(), b"hello from bucket-a")
            self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")
            self.session_s3(arn).list_objects_v2(Bucket="bucket-a")

    @staticmethod
    def kept_role(iam) -> dict:
        """The role without its last use, which a restart may forget."""
        role = iam.get_role(RoleName="kept")["Role"]
        role.pop("RoleLastUsed")
        return role

    def test_stops_fast_with_open_connections(self):
        self.iam.list_roles()
        self.assertLess(self.endpoint.stop(), 3)
        self.assertEqual(self.endpoint.process.returncode, 0)
        self.endpoint.start()

    def test_64_callers_at_once(self):
        problems, arn = [], self.role("crowd", READ_A)
        start = threading.Barrier(64)

        def call(number: int) -> None:
            try:
                iam = self.endpoint.client("iam")
                start.wait(timeout=30)
                iam.create_role(RoleName=f"crowd-{number}", AssumeRolePolicyDocument=self.trust())
                self.assume(arn)
                iam.delete_role(RoleName=f"crowd-{number}")
            except Exception as problem:  # noqa: BLE001 - a thread's failure is told by the assertion below
                problems.append(problem)

        threads = [threading.Thread(target=call, args=(number,)) for number in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        self.assertEqual(problems, [])

    def test_listens_on_one_port_of_the_loopback_only(self):
        mine = set()
        for link in Path(f"/proc/{self.endpoint.process.pid}/fd").iterdir():
            try:
                mine.add(str(link.readlink()))
            except OSError:
                continue
        listening = []
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in Path(f"/proc/{self.endpoint.process.pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if f"socket:[{fields[9]}]" in mine and (table.startswith("udp") or fields[3] == "0A"):
                    listening.append(fields[1])
        self.assertEqual(listening, [f"0100007F:{self.endpoint.port:04X}"])


class Programs(EndpointTest):
    def plant(self, *arguments: str) -> dict:
        done = subprocess.run([sys.executable, CLOUD / "plant.py", *arguments], capture_output=True, text=True, timeout=30, check=True,
                              env=self.endpoint.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"))
        return json.loads(done.stdout)

    def workload(self, *arguments: str, token: str, role: str) -> tuple[int, str]:
        path = self.folder / "token"
        path.write_text(token)
        done = subprocess.run(
            [sys.executable, CLOUD / "workload.py", *arguments], capture_output=True, text=True, timeout=60,
            env=self.endpoint.environment(AWS_ROLE_ARN=role, AWS_WEB_IDENTITY_TOKEN_FILE=str(path), AWS_ROLE_SESSION_NAME="pod"))
        return done.returncode, done.stdout.strip()

    def file(self, name: str, content: dict | str) -> str:
        (self.folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return str(self.folder / name)

    def test_plants_twice_what_is_asked_for(self):
        small, trust = self.file("small.json", READ_A), self.file("trust.json", self.trust())
        many = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::bucket-{number}/*"} for number in range(40)]
        large = self.file("large.json", {"Version": "2012-10-17", "Statement": many})
        for _ in range(2):
            self.assertEqual(self.plant("buckets", "planted"), {"buckets": ["planted"]})
            arn = self.plant("boundary", "--name", "planted-boundary", "--file", small)["arn"]
            self.assertEqual(arn, f"arn:aws:iam::{ACCOUNT}:policy/planted-boundary")
            for policy in (small, large):
                key = self.plant("operator", "--name", "planted-operator", "--policy", policy, "--boundary", arn)
                self.assertEqual(set(key), {"accessKeyId", "secretAccessKey"})
            sts = self.endpoint.client("sts", key["accessKeyId"], key["secretAccessKey"])
            self.assertEqual(sts.get_caller_identity()["Arn"], f"arn:aws:iam::{ACCOUNT}:user/planted-operator")
            made = self.plant("role", "planted", "--path", "/theirs/", "--trust", trust, "--policy", small, "--tag", "owner=them")
            self.assertEqual(made, {"arn": f"arn:aws:iam::{ACCOUNT}:role/theirs/planted"})
            self.plant("widen", "planted", "--policy", small, "--name", "by-hand")
        self.assertEqual(self.iam.list_role_policies(RoleName="planted")["PolicyNames"], ["by-hand", "planted"])
        self.assertEqual(self.s3.get_object(Bucket="planted", Key="hello.txt")["Body"].read(), b"hello from planted\n")

    def test_plants_a_cluster_and_its_node(self):
        for _ in range(2):
            made = self.plant("cluster", "planted", "--issuer", self.issuer.url, "--tag", "team=shop")
            self.assertEqual(made, {"name": "planted", "arn": f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/planted"})
            key = self.plant("node", "--cluster", "planted")
        cluster = self.endpoint.client("eks").describe_cluster(name="planted")["cluster"]
        self.assertEqual((cluster["identity"]["oidc"]["issuer"], cluster["tags"]["team"]), (self.issuer.url, "shop"))
        auth = self.endpoint.client("eks-auth", key["accessKeyId"], key["secretAccessKey"])
        self.assert_refused("ResourceNotFoundException", auth.assume_role_for_pod_identity, "No association found",
                            clusterName="planted", token=self.issuer.pod_token())
        self.plant("cluster", "planted", "--issuer", "https://127.0.0.1:1")
        self.assert_refused("InternalServerException", auth.assume_role_for_pod_identity, clusterName="planted", token=self.issuer.pod_token())

    def test_a_pods_program_tells_its_outcome(self):
        arn = self.role("pod", READ_A)
        good, other = self.issuer.token(), self.issuer.token("system:serviceaccount:shop:other")
        for arguments, token, code, output in (
            (("read", "bucket-a", "hello.txt"), good, 0, "hello from bucket-a"),
            (("read", "bucket-b", "hello.txt"), good, 3, "denied: AccessDenied"),
            (("read", "bucket-a", "hello.txt"), other, 4, "refused: AccessDenied"),
            (("read", "bucket-a", "missing.txt"), good, 5, "failed: NoSuchKey"),
            (("list", "bucket-a"), good, 0, "hello.txt"),
            (("list", "bucket-b"), good, 3, "denied: AccessDenied"),
            (("whoami",), good, 0, f"arn:aws:sts::{ACCOUNT}:assumed-role/pod/pod"),
        ):
            with self.subTest(arguments=arguments, code=code):
                self.assertEqual(self.workload(*arguments, token=token, role=arn), (code, output))


if __name__ == "__main__":
    unittest.main()
