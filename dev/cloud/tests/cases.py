"""What every test of the endpoint shares: a running endpoint, an issuer, two buckets and the usual documents."""

import json
import unittest
from pathlib import Path

from botocore.exceptions import ClientError

from support import Endpoint, Issuer, temporary_folder

ACCOUNT = "000000000000"
READ_A = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::bucket-a", "arn:aws:s3:::bucket-a/*"]}]}
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DENY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/ambit/"
TAG = "ambit.dev/installation"
PODS = "pods.eks.amazonaws.com"


def only(sub: str, resource: str, **condition) -> dict:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": sub, "Resource": resource, "Condition": condition}]}


def trust_of_pods(*actions: str, effect: str = "Allow", **condition) -> dict:
    """A trust statement about EKS Pod Identity."""
    actions = actions or ("sts:AssumeRole", "sts:TagSession")
    return {"Effect": effect, "Principal": {"Service": PODS}, "Action": list(actions), **({"Condition": condition} if condition else {})}


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class EndpointTest(unittest.TestCase):
    """One endpoint, one issuer and two buckets for all tests of a class; each test uses names of its own."""

    @classmethod
    def setUpClass(cls):
        folder = temporary_folder()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.issuer = Issuer(cls.folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.endpoint = Endpoint(cls.folder, cls.issuer.certificate)
        cls.endpoint.start()
        cls.addClassCleanup(cls.endpoint.stop)
        cls.iam, cls.sts, cls.s3 = (cls.endpoint.client(service) for service in ("iam", "sts", "s3"))
        cls.provider = cls.iam.create_open_id_connect_provider(
            Url=cls.issuer.url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40])["OpenIDConnectProviderArn"]
        for bucket in ("bucket-a", "bucket-b"):
            cls.s3.create_bucket(Bucket=bucket)
            cls.s3.put_object(Bucket=bucket, Key="hello.txt", Body=f"hello from {bucket}".encode())

    def assert_refused(self, code: str, call, *contains: str, status: int | None = None, **arguments) -> None:
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        error = caught.exception.response
        self.assertEqual(error["Error"]["Code"], code, error)
        for text in contains:
            self.assertIn(text, error["Error"]["Message"])
        if status:
            self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], status)

    def trust(self, subject: str = "system:serviceaccount:shop:reader") -> str:
        host = self.issuer.host
        return json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Federated": self.provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": subject}}}]})

    def role(self, name: str, policy: dict | None = None, **more) -> str:
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.trust(), **more)["Role"]["Arn"]
        if policy:
            self.iam.put_role_policy(RoleName=name, PolicyName="scopes", PolicyDocument=json.dumps(policy))
        return arn

    def assume(self, arn: str, token: str | None = None, **more) -> dict:
        return self.sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="test-session", WebIdentityToken=token or self.issuer.token(), **more)

    def session_s3(self, arn: str, **more):
        return self.endpoint.as_session("s3", self.assume(arn, **more)["Credentials"])

    @classmethod
    def new_key(cls, name: str, policy: dict, **more) -> tuple[str, str]:
        """The access key of a new user with exactly this policy."""
        cls.iam.create_user(UserName=name, **more)
        cls.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        key = cls.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def user(self, name: str, policy: dict, service: str = "iam"):
        """A service as a new user with exactly this policy calls it."""
        return self.endpoint.client(service, *self.new_key(name, policy))

    def boundary(self, name: str, policy: dict) -> str:
        return self.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))["Policy"]["Arn"]


class EksTest(EndpointTest):
    """Two clusters, of one issuer each, beside what every test has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.eks, cls.auth = cls.endpoint.client("eks"), cls.endpoint.client("eks-auth")
        cls.blue = cls.plant_cluster("blue", cls.issuer.url)
        cls.green = cls.plant_cluster("green", "https://127.0.0.1:1")

    @classmethod
    def plant_cluster(cls, name: str, issuer: str) -> str:
        role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
        made = cls.eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={}, tags={"endpoint/issuer": issuer})
        return made["cluster"]["arn"]

    def pod_role(self, name: str, *statements: dict, policy: dict | None = None, **more) -> str:
        trust = document(*(statements or (trust_of_pods(),)))
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
        if policy:
            self.iam.put_role_policy(RoleName=name, PolicyName="scopes", PolicyDocument=json.dumps(policy))
        return arn

    def associate(self, account: str, role: str, cluster: str = "blue", namespace: str = "shop", **more) -> dict:
        return self.eks.create_pod_identity_association(
            clusterName=cluster, namespace=namespace, serviceAccount=account, roleArn=role, **more)["association"]

    def exchange(self, account: str, cluster: str = "blue", token: str | None = None, auth=None) -> dict:
        return (auth or self.auth).assume_role_for_pod_identity(clusterName=cluster, token=token or self.issuer.pod_token(account=account))
