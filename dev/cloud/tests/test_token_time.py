"""`aws:TokenIssueTime` and `aws:CurrentTime`: with them a role's older sessions are ended, and its newer ones are not."""

import datetime
import json
import sys
import threading
import unittest
from pathlib import Path

from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import ACCOUNT, ALLOW_ALL, PODS, EksTest, document  # noqa: E402

NAME, POLICY = "timed", "older"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"
TRIES, PAUSE = 100, 0.05


def text_of(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def deny(**condition) -> str:
    return document({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})


class TokenTime(EksTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        trust = document(
            {"Effect": "Allow", "Principal": {"Federated": cls.provider}, "Action": "sts:AssumeRoleWithWebIdentity"},
            {"Effect": "Allow", "Principal": {"Service": PODS}, "Action": ["sts:AssumeRole", "sts:TagSession"]},
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"})
        cls.iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)
        cls.iam.put_role_policy(RoleName=NAME, PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
        cls.iam.create_role(RoleName="next", AssumeRolePolicyDocument=trust)
        cls.user_key = cls.new_key("timed-user", ALLOW_ALL)
        cls.endpoint.client("eks").create_pod_identity_association(clusterName="blue", namespace="shop", serviceAccount="reader", roleArn=ROLE)

    def tearDown(self):
        try:
            self.iam.delete_role_policy(RoleName=NAME, PolicyName=POLICY)
        except self.iam.exceptions.NoSuchEntityException:
            pass

    def session(self, kind: str) -> tuple[str, str, str]:
        """The credentials of a new session of the role."""
        if kind == "pod":
            given = self.exchange("reader")["credentials"]
            return given["accessKeyId"], given["secretAccessKey"], given["sessionToken"]
        if kind == "web":
            given = self.assume(ROLE)["Credentials"]
        else:
            sts = self.endpoint.client("sts", *self.user_key)
            given = sts.assume_role(RoleArn=ROLE, RoleSessionName="timed")["Credentials"]
        return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]

    def calls(self, credentials: tuple) -> dict:
        """One call to each service, as these credentials make it."""
        clients = {service: self.endpoint.client(service, *credentials) for service in ("s3", "iam", "sqs", "sts", "eks")}
        return {
            "s3": lambda: clients["s3"].get_object(Bucket="bucket-a", Key="hello.txt"),
            "s3 list": lambda: clients["s3"].list_objects_v2(Bucket="bucket-a"),
            "iam": lambda: clients["iam"].get_role(RoleName=NAME),
            "sqs": lambda: clients["sqs"].create_queue(QueueName="timed"),
            "sts": lambda: clients["sts"].assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/next", RoleSessionName="timed"),
            "eks": lambda: clients["eks"].describe_cluster(name="blue"),
        }

    def assert_all(self, credentials: tuple, *, denied: bool) -> None:
        for name, call in self.calls(credentials).items():
            with self.subTest(name, denied=denied):
                if denied:
                    self.assert_refused("AccessDeniedException" if name == "eks" else "AccessDenied", call, "explicit deny")
                else:
                    call()

    def test_older_sessions_end_and_newer_ones_work_whatever_opened_them(self):
        for kind in ("web", "user", "pod"):
            with self.subTest(kind):
                old = self.session(kind)
                self.assert_all(old, denied=False)
                cut = text_of(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1))
                self.iam.put_role_policy(RoleName=NAME, PolicyName=POLICY, PolicyDocument=deny(DateLessThan={"aws:TokenIssueTime": cut}))
                self.assert_all(old, denied=True)
                self.assert_all(self.first_that_works(kind), denied=False)
                self.assert_all(old, denied=True)
                self.endpoint.stop(kill=True)
                self.endpoint.start()
                self.assert_all(old, denied=True)
                self.tearDown()
                self.assert_all(old, denied=False)

    def first_that_works(self, kind: str) -> tuple[str, str, str]:
        """A session that is new enough: times are told in whole seconds, so the first ones may not be."""
        for _ in range(TRIES):
            credentials = self.session(kind)
            try:
                self.calls(credentials)["s3"]()
                return credentials
            except ClientError as problem:
                self.assertEqual(problem.response["Error"]["Code"], "AccessDenied")
                threading.Event().wait(PAUSE)
        raise AssertionError("no session became new enough")

    def test_a_users_key_has_no_time_of_issue(self):
        self.assert_user({"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}}, denied=False)
        self.assert_user({"Null": {"aws:TokenIssueTime": "true"}}, denied=True)
        session = self.session("web")
        for wanted, denied in (("true", False), ("false", True)):
            self.iam.put_role_policy(RoleName=NAME, PolicyName=POLICY, PolicyDocument=deny(Null={"aws:TokenIssueTime": wanted}))
            self.assert_all(session, denied=denied)

    def assert_user(self, condition: dict, *, denied: bool) -> None:
        self.iam.put_user_policy(UserName="timed-user", PolicyName=POLICY, PolicyDocument=deny(**condition))
        self.assert_all(self.user_key, denied=denied)
        self.iam.delete_user_policy(UserName="timed-user", PolicyName=POLICY)

    def test_the_time_of_issue_in_a_trust_policy(self):
        """A role that only new sessions may assume: the caller's session decides, a user has none."""
        statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        sts = self.endpoint.client("sts", *self.session("web"))
        for condition, allowed in (({"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}}, True),
                                   ({"DateGreaterThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}}, False)):
            self.iam.update_assume_role_policy(RoleName="next", PolicyDocument=document({**statement, "Condition": condition}))
            wanted = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/next", "RoleSessionName": "timed"}
            if allowed:
                sts.assume_role(**wanted)
                self.assert_refused("AccessDenied", self.endpoint.client("sts", *self.user_key).assume_role, **wanted)
            else:
                self.assert_refused("AccessDenied", sts.assume_role, **wanted)
        self.iam.update_assume_role_policy(RoleName="next", PolicyDocument=document(statement))

    def test_the_current_time_counts_for_every_caller(self):
        now = datetime.datetime.now(datetime.UTC)
        before, after = text_of(now - datetime.timedelta(hours=1)), text_of(now + datetime.timedelta(hours=1))
        session = self.session("web")
        for condition, denied in (({"DateGreaterThan": {"aws:CurrentTime": after}}, False), ({"DateLessThan": {"aws:CurrentTime": before}}, False),
                                  ({"DateGreaterThan": {"aws:CurrentTime": before}}, True), ({"DateLessThan": {"aws:CurrentTime": after}}, True)):
            self.iam.put_role_policy(RoleName=NAME, PolicyName=POLICY, PolicyDocument=deny(**condition))
            self.assert_all(session, denied=denied)
            self.assert_user(condition, denied=denied)


if __name__ == "__main__":
    unittest.main()
