"""EKS Auth: what a pod's token is exchanged for, and when it is not."""

import datetime
import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import ACCOUNT, ALLOW_ALL, READ_A, EksTest, document, only, trust_of_pods  # noqa: E402
from support import new_key  # noqa: E402

NOT_TRUSTED = "EKS does not have permissions to assume the associated role"
REQUEST_TAG = "aws:RequestTag/"


class Exchange(EksTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.new_key("node", only("eks-auth:AssumeRoleForPodIdentity", cls.blue))

    def session(self, service: str, answer: dict):
        credentials = answer["credentials"]
        return self.endpoint.client(service, credentials["accessKeyId"], credentials["secretAccessKey"], credentials["sessionToken"])

    def refused(self, code: str, *contains: str, status: int = 400, **arguments) -> None:
        self.assert_refused(code, self.exchange, *contains, status=status, **arguments)

    def test_a_pod_gets_the_role_of_its_service_account(self):
        role = self.pod_role("pod-reader", policy=READ_A, Path="/ambit/")
        made = self.associate("reader", role)
        answer = self.exchange("reader", auth=self.endpoint.client("eks-auth", *self.node))
        self.assertEqual(answer["subject"], {"namespace": "shop", "serviceAccount": "reader"})
        self.assertEqual(answer["audience"], "pods.eks.amazonaws.com")
        self.assertEqual(answer["podIdentityAssociation"], {key: made[key] for key in ("associationArn", "associationId")})
        arn, user_id = answer["assumedRoleUser"]["arn"], answer["assumedRoleUser"]["assumeRoleId"]
        self.assertRegex(arn, rf"^arn:aws:sts::{ACCOUNT}:assumed-role/pod-reader/eks-blue-reader-0-[0-9a-f-]{{36}}$")
        self.assertEqual(user_id, f"{self.iam.get_role(RoleName='pod-reader')['Role']['RoleId']}:{arn.rsplit('/', 1)[-1]}")
        left = answer["credentials"]["expiration"] - datetime.datetime.now(datetime.UTC)
        self.assertTrue(datetime.timedelta(hours=5.9) < left <= datetime.timedelta(hours=6), left)
        self.assertEqual(self.session("sts", answer).get_caller_identity()["Arn"], arn)
        s3 = self.session("s3", answer)
        self.assertEqual(s3.get_object(Bucket="bucket-a", Key="hello.txt")["Body"].read(), b"hello from bucket-a")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")

    def test_the_sessions_name_stays_within_its_limit(self):
        self.plant_cluster("c" * 100, self.issuer.url)
        self.associate("long", self.pod_role("pod-long"), cluster="c" * 100)
        answer = self.exchange("long", cluster="c" * 100, token=self.issuer.pod_token(account="long", pod="p" * 63))
        self.assertEqual(len(answer["assumedRoleUser"]["arn"].rsplit("/", 1)[-1]), 64)

    def test_tokens_that_eks_does_not_take(self):
        self.associate("strict", self.pod_role("pod-strict"))

        def token(**more):
            return self.issuer.pod_token(account="strict", **more)

        unbound = {"namespace": "shop", "serviceaccount": {"name": "strict", "uid": "1"}}
        for code, message, given in (
            ("InvalidTokenException", "audience", token(aud=["sts.amazonaws.com"])),
            ("ExpiredTokenException", "expired", token(exp=1_700_000_000)),
            ("InvalidTokenException", "signature", token(key=new_key())),
            ("InvalidTokenException", "matching key", token(key=new_key(), kid="never")),
            ("InvalidTokenException", "issuer", token(iss="https://else.example")),
            ("InvalidTokenException", "must be one of a pod", token(**{"kubernetes.io": unbound})),
            ("InvalidTokenException", "must be one of a pod", token(**{"kubernetes.io": None})),
            ("InvalidTokenException", "not a JSON web token", "a.b.c"),
        ):
            with self.subTest(message):
                self.refused(code, message, account="strict", token=given)
        self.exchange("strict", token=token())

    def test_the_token_of_another_service_account_finds_no_association(self):
        self.associate("mine", self.pod_role("pod-mine"))
        for token in (self.issuer.pod_token(account="other"), self.issuer.pod_token(account="mine", namespace="else")):
            self.refused("ResourceNotFoundException", "No association found", account="mine", token=token, status=404)

    def test_a_token_counts_in_the_cluster_of_its_issuer_only(self):
        role = self.pod_role("pod-cluster")
        self.associate("clustered", role, cluster="green")
        self.refused("ResourceNotFoundException", account="clustered", status=404)
        self.refused("InternalServerException", account="clustered", cluster="green", status=500)  # nobody serves its keys
        self.plant_cluster("teal", self.issuer.url + "/other")
        self.associate("clustered", role, cluster="teal")
        self.refused("InvalidTokenException", account="clustered", cluster="teal")
        self.refused("ResourceNotFoundException", "No cluster found", account="clustered", cluster="red", status=404)

    def test_only_callers_who_may_exchange_tokens_of_this_cluster(self):
        self.associate("called", self.pod_role("pod-called"))
        self.exchange("called", auth=self.endpoint.client("eks-auth", *self.node))
        for key, cluster, on in ((self.node, "green", self.green), (self.new_key("no-node", READ_A), "blue", self.blue)):
            self.refused("AccessDeniedException", f"eks-auth:AssumeRoleForPodIdentity on resource: {on}", account="called",
                         cluster=cluster, auth=self.endpoint.client("eks-auth", *key))
        wrong = self.endpoint.client("eks-auth", self.node[0], "wrong")
        self.refused("InvalidSignatureException", account="called", auth=wrong, status=403)

    def test_the_trust_policy_sees_where_the_call_comes_from_and_whose_it_is(self):
        right = {"StringEquals": {
            "aws:SourceAccount": ACCOUNT, f"{REQUEST_TAG}eks-cluster-name": "blue", f"{REQUEST_TAG}eks-cluster-arn": self.blue,
            f"{REQUEST_TAG}kubernetes-namespace": "shop", f"{REQUEST_TAG}kubernetes-service-account": "trusted",
            f"{REQUEST_TAG}kubernetes-pod-name": "reader-0", f"{REQUEST_TAG}kubernetes-pod-uid": "uid-of-reader-0",
        }, "ArnEquals": {"aws:SourceArn": self.blue}, "ForAllValues:StringLike": {"aws:TagKeys": ["eks-*", "kubernetes-*"]},
            "StringLike": {"sts:RoleSessionName": "eks-blue-*"}, "Null": {"aws:PrincipalArn": "true", "aws:TokenIssueTime": "true"}}
        self.associate("trusted", self.pod_role("pod-trusted", trust_of_pods(**right)))
        self.exchange("trusted")
        for key, value in (("aws:SourceAccount", "111122223333"), (f"{REQUEST_TAG}kubernetes-namespace", "else"),
                           (f"{REQUEST_TAG}kubernetes-service-account", "else"), (f"{REQUEST_TAG}eks-cluster-arn", self.green)):
            with self.subTest(key):
                self.trusting(trust_of_pods(**{**right, "StringEquals": {**right["StringEquals"], key: value}}))
                self.refused("AccessDeniedException", NOT_TRUSTED, account="trusted")
        for source in (self.green, self.blue.replace("cluster/blue", "podidentityassociation/blue/*")):
            self.trusting(trust_of_pods(**{**right, "ArnEquals": {"aws:SourceArn": source}}))
            self.refused("AccessDeniedException", NOT_TRUSTED, account="trusted")
        self.trusting(trust_of_pods(**right))
        self.exchange("trusted")

    def trusting(self, *statements: dict) -> None:
        self.iam.update_assume_role_policy(RoleName="pod-trusted", PolicyDocument=document(*statements))

    def test_both_actions_must_be_allowed_and_none_denied(self):
        self.associate("acting", self.pod_role("pod-acting"))

        def refused_with(*statements: dict) -> None:
            self.iam.update_assume_role_policy(RoleName="pod-acting", PolicyDocument=document(*statements))
            self.refused("AccessDeniedException", NOT_TRUSTED, account="acting")

        refused_with(trust_of_pods("sts:AssumeRole"))
        refused_with(trust_of_pods("sts:TagSession"))
        for service in ("ec2.amazonaws.com", "eks.amazonaws.com"):
            refused_with({**trust_of_pods(), "Principal": {"Service": service}})
        refused_with({**trust_of_pods(), "Principal": {"AWS": ACCOUNT}})
        refused_with(trust_of_pods(), trust_of_pods(effect="Deny", StringEquals={f"{REQUEST_TAG}kubernetes-namespace": "shop"}))
        split = [trust_of_pods("sts:AssumeRole"), trust_of_pods("sts:TagSession")]
        self.iam.update_assume_role_policy(RoleName="pod-acting", PolicyDocument=document(*split))
        self.exchange("acting")

    def test_session_tags_are_seen_by_the_roles_policies_and_can_be_disabled(self):
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
                                                          "Resource": "arn:aws:s3:::bucket-${aws:PrincipalTag/kubernetes-namespace}/*"}]}
        role = self.pod_role("pod-tagged", policy=policy)
        made = self.associate("tagged", role, namespace="a")
        token = self.issuer.pod_token(account="tagged", namespace="a")
        s3 = self.session("s3", self.exchange("tagged", token=token))
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")
        named = {"clusterName": "blue", "associationId": made["associationId"]}
        self.eks.update_pod_identity_association(**named, disableSessionTags=True)
        self.iam.update_assume_role_policy(RoleName="pod-tagged", PolicyDocument=document(trust_of_pods("sts:AssumeRole")))
        s3 = self.session("s3", self.exchange("tagged", token=token))
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-a", Key="hello.txt")

    def test_a_change_of_the_association_holds_from_the_next_exchange_on(self):
        reader, nobody = self.pod_role("pod-before", policy=READ_A), self.pod_role("pod-after")
        made = self.associate("changed", reader)
        named = {"clusterName": "blue", "associationId": made["associationId"]}
        before = self.session("s3", self.exchange("changed"))
        self.eks.update_pod_identity_association(**named, roleArn=nobody)
        self.assertIn("/pod-after/", self.exchange("changed")["assumedRoleUser"]["arn"])
        self.eks.delete_pod_identity_association(**named)
        self.refused("ResourceNotFoundException", account="changed", status=404)
        before.get_object(Bucket="bucket-a", Key="hello.txt")  # a session outlives its association
        self.iam.delete_role_policy(RoleName="pod-before", PolicyName="scopes")
        self.iam.delete_role(RoleName="pod-before")
        self.assert_refused("AccessDenied", before.get_object, Bucket="bucket-a", Key="hello.txt")
        self.associate("changed", nobody)
        self.iam.delete_role(RoleName="pod-after")
        self.refused("AccessDeniedException", NOT_TRUSTED, account="changed")

    def test_the_boundary_and_the_policy_of_the_association_limit_the_session(self):
        bound = self.pod_role("pod-bound", policy=ALLOW_ALL, PermissionsBoundary=self.boundary("pod-boundary", READ_A))
        self.associate("bound", bound)
        limited = self.pod_role("pod-limited", policy=ALLOW_ALL)
        self.associate("limited", limited, disableSessionTags=True, policy=json.dumps(READ_A))
        for account in ("bound", "limited"):
            s3 = self.session("s3", self.exchange(account))
            s3.get_object(Bucket="bucket-a", Key="hello.txt")
            self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")

    def test_a_target_role_is_assumed_with_the_roles_own_session(self):
        target = f"arn:aws:iam::{ACCOUNT}:role/far/pod-target"
        primary = self.pod_role("pod-primary", policy=json.loads(document(
            {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": target})), Path="/near/")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
                 "Condition": {"StringEquals": {f"{REQUEST_TAG}kubernetes-namespace": "shop"}, "ArnEquals": {"aws:PrincipalArn": primary}}}
        made = self.associate("chained", primary, targetRoleArn=target)
        self.refused("AccessDeniedException", NOT_TRUSTED, account="chained")
        self.pod_role("pod-target", trust, policy=READ_A, Path="/far/")
        answer = self.exchange("chained")
        self.assertIn("/pod-target/", answer["assumedRoleUser"]["arn"])
        left = answer["credentials"]["expiration"] - datetime.datetime.now(datetime.UTC)
        self.assertLessEqual(left, datetime.timedelta(hours=1))
        self.session("s3", answer).get_object(Bucket="bucket-a", Key="hello.txt")
        named = {"clusterName": "blue", "associationId": made["associationId"]}
        self.eks.update_pod_identity_association(**named, disableSessionTags=True)
        self.refused("AccessDeniedException", NOT_TRUSTED, account="chained")
        trust["Condition"]["StringEquals"] = {"sts:ExternalId": made["externalId"]}
        self.iam.update_assume_role_policy(RoleName="pod-target", PolicyDocument=document(trust))
        self.exchange("chained")
        self.iam.delete_role_policy(RoleName="pod-primary", PolicyName="scopes")
        self.refused("AccessDeniedException", NOT_TRUSTED, account="chained")

    def test_clusters_associations_and_sessions_outlive_a_killed_process(self):
        self.associate("lasting", self.pod_role("pod-lasting", policy=READ_A))
        s3 = self.session("s3", self.exchange("lasting"))
        self.endpoint.stop(kill=True)
        self.endpoint.start()
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.session("s3", self.exchange("lasting", auth=self.endpoint.client("eks-auth", *self.node))).get_object(Bucket="bucket-a", Key="hello.txt")


if __name__ == "__main__":
    unittest.main()
