"""IAM: who may do what to which role, what it answers, and its pages."""

import json
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote

from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import ACCOUNT, ALLOW_ALL, DENY_ALL, READ_A, ROLE_ARN, TAG, EndpointTest, only  # noqa: E402


class OperatorPolicy(EndpointTest):
    """A policy like the one Ambit runs under: its path, its boundary, its tag."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limit = cls.iam.create_policy(PolicyName="operator-boundary", PolicyDocument=json.dumps(READ_A))["Policy"]["Arn"]
        mine = {f"aws:ResourceTag/{TAG}": "blue"}
        statements = [
            {"Action": "iam:CreateRole", "Resource": f"{ROLE_ARN}*",
             "Condition": {"StringEquals": {"iam:PermissionsBoundary": cls.limit, f"aws:RequestTag/{TAG}": "blue"}}},
            {"Action": "iam:TagRole", "Resource": f"{ROLE_ARN}*", "Condition": {
                "StringEquals": {f"aws:RequestTag/{TAG}": "blue"}, "ForAllValues:StringLike": {"aws:TagKeys": "ambit.dev/*"}}},
            {"Action": ["iam:PutRolePolicy", "iam:DeleteRolePolicy"], "Resource": f"{ROLE_ARN}*",
             "Condition": {"StringEquals": {"iam:PermissionsBoundary": cls.limit, **mine}}},
            {"Action": ["iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"], "Resource": f"{ROLE_ARN}*",
             "Condition": {"StringEquals": mine}},
            {"Action": "iam:AttachRolePolicy", "Resource": f"{ROLE_ARN}*", "Condition": {"ArnEquals": {"iam:PolicyARN": cls.limit}}},
            {"Action": ["iam:PutRolePermissionsBoundary"], "Resource": f"{ROLE_ARN}*",
             "Condition": {"StringEquals": {"iam:PermissionsBoundary": cls.limit}}},
            {"Action": ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"], "Resource": "*",
             "Condition": {"StringEquals": {f"aws:RequestTag/{TAG}": "blue"}}},
            {"Action": ["iam:GetOpenIDConnectProvider"], "Resource": f"arn:aws:iam::{ACCOUNT}:oidc-provider/*",
             "Condition": {"StringEquals": mine}},
            {"Action": ["iam:GetRole", "iam:ListRoles"], "Resource": "*"},
        ]
        cls.iam.create_user(UserName="operator")
        cls.iam.put_user_policy(UserName="operator", PolicyName="own", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]}))
        key = cls.iam.create_access_key(UserName="operator")["AccessKey"]
        cls.operator = cls.endpoint.client("iam", key["AccessKeyId"], key["SecretAccessKey"])

    def create(self, name: str, **changes):
        wanted = {"RoleName": name, "Path": "/ambit/", "PermissionsBoundary": self.limit, "Tags": [{"Key": TAG, "Value": "blue"}],
                  "AssumeRolePolicyDocument": self.trust(), **changes}
        return self.operator.create_role(**{key: value for key, value in wanted.items() if value is not None})

    def test_creates_only_on_its_path_with_its_boundary_and_its_tag(self):
        self.assertEqual(self.create("op-good")["Role"]["Arn"], f"{ROLE_ARN}op-good")
        for name, changes in {
            "path": {"Path": "/"}, "longer-path": {"Path": "/x/ambit/"}, "boundary": {"PermissionsBoundary": None}, "no-tags": {"Tags": None},
            "other-boundary": {"PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "tag": {"Tags": [{"Key": TAG, "Value": "green"}]},
        }.items():
            with self.subTest(name):
                self.assert_refused("AccessDenied", self.create, "user/operator", "iam:CreateRole", f"/op-{name}", name=f"op-{name}", status=403, **changes)
        more = [{"Key": TAG, "Value": "blue"}, {"Key": "else", "Value": "x"}]
        self.assert_refused("AccessDenied", self.create, "iam:TagRole", name="op-more-tags", Tags=more)

    def test_changes_only_roles_with_its_tag_and_boundary(self):
        self.create("op-own")
        text = json.dumps(READ_A)
        self.operator.put_role_policy(RoleName="op-own", PolicyName="p", PolicyDocument=text)
        self.operator.update_assume_role_policy(RoleName="op-own", PolicyDocument=self.trust("other"))
        for name, more in {"op-untagged": {"PermissionsBoundary": self.limit},
                           "op-green": {"PermissionsBoundary": self.limit, "Tags": [{"Key": TAG, "Value": "green"}]},
                           "op-unbound": {"Tags": [{"Key": TAG, "Value": "blue"}]}}.items():
            self.role(name, Path="/ambit/", **more)
            with self.subTest(name):
                self.assert_refused("AccessDenied", self.operator.put_role_policy, f"{ROLE_ARN}{name}",
                                    RoleName=name, PolicyName="p", PolicyDocument=text)
        self.assert_refused("AccessDenied", self.operator.delete_role, RoleName="op-untagged")
        self.role("op-elsewhere", PermissionsBoundary=self.limit, Tags=[{"Key": TAG, "Value": "blue"}])
        self.assert_refused("AccessDenied", self.operator.delete_role, RoleName="op-elsewhere")
        self.operator.delete_role_policy(RoleName="op-own", PolicyName="p")
        self.operator.delete_role(RoleName="op-own")

    def test_policy_arn_and_the_boundary_in_the_request(self):
        self.create("op-attach")
        self.operator.attach_role_policy(RoleName="op-attach", PolicyArn=self.limit)
        self.operator.put_role_permissions_boundary(RoleName="op-attach", PermissionsBoundary=self.limit)
        other = self.boundary("op-other", READ_A)
        self.assert_refused("AccessDenied", self.operator.attach_role_policy, RoleName="op-attach", PolicyArn=other)
        self.assert_refused("AccessDenied", self.operator.put_role_permissions_boundary, RoleName="op-attach", PermissionsBoundary=other)

    def test_providers_by_arn_and_tag(self):
        tags = [{"Key": TAG, "Value": "blue"}]
        arn = self.operator.create_open_id_connect_provider(Url="https://op.example/id/1", Tags=tags)["OpenIDConnectProviderArn"]
        self.assertEqual(arn, f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example/id/1")
        self.assertEqual(self.operator.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["Url"], "op.example/id/1")
        self.assert_refused("AccessDenied", self.operator.get_open_id_connect_provider, OpenIDConnectProviderArn=self.provider)
        self.assert_refused("AccessDenied", self.operator.create_open_id_connect_provider, Url="https://op.example/id/2")

    def test_the_account_counts_its_roles(self):
        summary = self.iam.get_account_summary()["SummaryMap"]
        pages = self.iam.get_paginator("list_roles").paginate()
        self.assertEqual(summary["Roles"], sum(len(page["Roles"]) for page in pages))
        self.assertEqual(summary["RolesQuota"], 200_000)

    def test_an_action_that_cannot_be_mapped_is_refused_and_logged(self):
        anyone = self.user("unmapped", ALLOW_ALL)
        for client, call in ((anyone, "get_credential_report"), (self.iam, "list_groups"), (self.endpoint.client("sqs"), "list_queues"),
                             (self.endpoint.client("sts"), "get_session_token")):
            with self.subTest(call):
                before = self.endpoint.log.read_text().count("UNMAPPED ACTION")
                with self.assertRaises(ClientError) as caught:
                    getattr(client, call)()
                self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)
                self.assertEqual(self.endpoint.log.read_text().count("UNMAPPED ACTION"), before + 1)

    def test_nothing_passes_without_a_signature(self):
        for path in ("/", "/bucket-a/hello.txt", "/_ministack/reset", "/_ministack/health", "/?Action=ListRoles&Version=2010-05-08"):
            for method in ("GET", "POST"):
                with self.subTest(path=path, method=method), self.assertRaises(urllib.error.HTTPError) as caught:
                    urllib.request.urlopen(urllib.request.Request(self.endpoint.url + path, method=method), timeout=5)
                self.assertEqual(caught.exception.code, 403)
                caught.exception.close()


class Details(EndpointTest):
    def test_a_role_reads_back_as_aws_writes_it(self):
        self.role("plain", READ_A)
        role = self.iam.get_role(RoleName="plain")["Role"]
        self.assertNotIn("Description", role)
        self.assertEqual(role["AssumeRolePolicyDocument"], json.loads(self.trust()))
        self.assertEqual(self.iam.get_role_policy(RoleName="plain", PolicyName="scopes")["PolicyDocument"], READ_A)
        tags = [{"Key": "a", "Value": ""}, {"Key": "team", "Value": "a=b+c@d"}]
        made = self.iam.create_role(RoleName="told", Description="<one> & two", AssumeRolePolicyDocument=self.trust(), Tags=tags)["Role"]
        self.assertEqual((made["Description"], made["Tags"]), ("<one> & two", tags))
        self.iam.update_role(RoleName="told", Description="", MaxSessionDuration=7200)
        changed = self.iam.get_role(RoleName="told")["Role"]
        self.assertEqual((changed.get("Description"), changed["MaxSessionDuration"]), (None, 7200))

    def test_errors_have_awss_codes(self):
        self.role("coded", READ_A)
        document = {"PolicyName": "p", "PolicyDocument": "{"}
        for code, status, call, arguments in (
            ("NoSuchEntity", 404, "get_role", {"RoleName": "nobody"}),
            ("NoSuchEntity", 404, "get_role_policy", {"RoleName": "coded", "PolicyName": "none"}),
            ("NoSuchEntity", 404, "list_attached_role_policies", {"RoleName": "nobody"}),
            ("NoSuchEntity", 404, "attach_role_policy", {"RoleName": "coded", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/none"}),
            ("NoSuchEntity", 404, "put_role_policy", {"RoleName": "nobody", **document}),
            ("NoSuchEntity", 404, "create_role", {"RoleName": "limitless", "AssumeRolePolicyDocument": self.trust(),
                                                  "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/none"}),
            ("EntityAlreadyExists", 409, "create_role", {"RoleName": "CODED", "AssumeRolePolicyDocument": self.trust()}),
            ("EntityAlreadyExists", 409, "create_open_id_connect_provider", {"Url": self.issuer.url}),
            ("DeleteConflict", 409, "delete_role", {"RoleName": "coded"}),
            ("MalformedPolicyDocument", 400, "create_role", {"RoleName": "bad", "AssumeRolePolicyDocument": "{"}),
            ("MalformedPolicyDocument", 400, "create_role", {"RoleName": "bad", "AssumeRolePolicyDocument": json.dumps(READ_A)}),
            ("MalformedPolicyDocument", 400, "update_assume_role_policy", {"RoleName": "coded", "PolicyDocument": "{"}),
            ("MalformedPolicyDocument", 400, "put_role_policy", {"RoleName": "coded", **document}),
            ("MalformedPolicyDocument", 400, "put_role_policy", {"RoleName": "coded", "PolicyName": "p", "PolicyDocument": json.dumps(
                only("s3:GetObject", "*", StringSortOf={"aws:PrincipalArn": "x"}))}),
            ("ValidationError", 400, "create_role", {"RoleName": "bad/name", "AssumeRolePolicyDocument": self.trust()}),
        ):
            with self.subTest(call=call, arguments=arguments):
                self.assert_refused(code, getattr(self.iam, call), status=status, **arguments)
        attached = self.boundary("coded-attached", READ_A)
        self.iam.delete_role_policy(RoleName="coded", PolicyName="scopes")
        self.iam.attach_role_policy(RoleName="coded", PolicyArn=attached)
        self.assert_refused("DeleteConflict", self.iam.delete_role, RoleName="coded")
        self.iam.detach_role_policy(RoleName="coded", PolicyArn=attached)
        self.iam.delete_role(RoleName="coded")

    def test_quotas(self):
        self.role("quota")
        large = json.loads(self.trust())
        large["Statement"][0]["Sid"] = "x" * 2048
        self.assert_refused("LimitExceeded", self.iam.create_role, "ACLSizePerRole: 2048", RoleName="large", AssumeRolePolicyDocument=json.dumps(large))

        def filled(characters: int) -> str:
            policy = json.dumps(READ_A, separators=(",", ":"))
            return policy.replace('"Effect"', f'"Sid":"{"x" * (characters - len(policy) - 9)}","Effect"')

        self.iam.put_role_policy(RoleName="quota", PolicyName="one", PolicyDocument=filled(10000))
        self.iam.put_role_policy(RoleName="quota", PolicyName="two", PolicyDocument=filled(240) + " " * 500)
        self.assert_refused("LimitExceeded", self.iam.put_role_policy, "10240 bytes exceeded for role quota",
                            RoleName="quota", PolicyName="two", PolicyDocument=filled(241), status=409)
        arns = [self.boundary(f"quota-{number}", READ_A) for number in range(11)]
        for arn in arns[:10]:
            self.iam.attach_role_policy(RoleName="quota", PolicyArn=arn)
        self.assert_refused("LimitExceeded", self.iam.attach_role_policy, "PoliciesPerRole: 10", RoleName="quota", PolicyArn=arns[10])
        self.iam.create_user(UserName="quota")
        for _ in range(2):
            self.iam.create_access_key(UserName="quota")
        self.assert_refused("LimitExceeded", self.iam.create_access_key, "AccessKeysPerUser: 2", UserName="quota")

    def test_provider_calls(self):
        arn = self.iam.create_open_id_connect_provider(Url="https://calls.example", ClientIDList=["a"])["OpenIDConnectProviderArn"]
        named = {"OpenIDConnectProviderArn": arn}
        self.iam.add_client_id_to_open_id_connect_provider(**named, ClientID="b")
        self.iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="a")
        self.iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=["f" * 40])
        self.iam.tag_open_id_connect_provider(**named, Tags=[{"Key": "one", "Value": "1"}, {"Key": "two", "Value": "2"}])
        self.iam.untag_open_id_connect_provider(**named, TagKeys=["one"])
        provider = self.iam.get_open_id_connect_provider(**named)
        self.assertEqual((provider["ClientIDList"], provider["ThumbprintList"], provider["Tags"]), (["b"], ["f" * 40], [{"Key": "two", "Value": "2"}]))
        self.assertEqual(self.iam.list_open_id_connect_provider_tags(**named)["Tags"], [{"Key": "two", "Value": "2"}])
        self.iam.delete_open_id_connect_provider(**named)
        self.assert_refused("NoSuchEntity", self.iam.add_client_id_to_open_id_connect_provider, **named, ClientID="c", status=404)

    def test_the_default_version_decides(self):
        arn = self.boundary("versions", READ_A)
        s3 = self.session_s3(self.role("versioned", ALLOW_ALL, PermissionsBoundary=arn))
        version = self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(DENY_ALL))["PolicyVersion"]["VersionId"]
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.iam.set_default_policy_version(PolicyArn=arn, VersionId=version)
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-a", Key="hello.txt")


class Pages(EndpointTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
        cls.names = [f"page-{number:03}" for number in range(105)]
        for name in reversed(cls.names):
            cls.iam.create_role(RoleName=name, Path="/pages/", AssumeRolePolicyDocument=trust)
        cls.iam.create_role(RoleName="elsewhere", AssumeRolePolicyDocument=trust)

    def test_roles_come_by_the_hundred_in_order(self):
        first = self.iam.list_roles(PathPrefix="/pages/")
        self.assertEqual(([role["RoleName"] for role in first["Roles"]], first["IsTruncated"]), (self.names[:100], True))
        rest = self.iam.list_roles(PathPrefix="/pages/", Marker=first["Marker"])
        self.assertEqual(([role["RoleName"] for role in rest["Roles"]], rest["IsTruncated"]), (self.names[100:], False))
        self.assertNotIn("Marker", rest)
        pages = self.iam.get_paginator("list_roles").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 60})
        self.assertEqual([len(page["Roles"]) for page in pages], [60, 45])

    def test_a_role_that_goes_between_pages_hides_no_other(self):
        self.iam.create_role(RoleName="aaa-1", Path="/going/", AssumeRolePolicyDocument=self.trust())
        self.iam.create_role(RoleName="aaa-2", Path="/going/", AssumeRolePolicyDocument=self.trust())
        first = self.iam.list_roles(PathPrefix="/going/", MaxItems=1)
        self.iam.delete_role(RoleName="aaa-1")
        rest = self.iam.list_roles(PathPrefix="/going/", MaxItems=1, Marker=first["Marker"])
        self.assertEqual([role["RoleName"] for role in rest["Roles"]], ["aaa-2"])
        self.iam.delete_role(RoleName="aaa-2")

    def test_account_details_in_pages_with_all_of_a_role(self):
        boundary = self.boundary("page-boundary", READ_A)
        self.iam.create_role(RoleName="page-full", Path="/full/", AssumeRolePolicyDocument=self.trust(), PermissionsBoundary=boundary,
                             Tags=[{"Key": "k", "Value": "v"}])
        self.iam.put_role_policy(RoleName="page-full", PolicyName="p", PolicyDocument=json.dumps(READ_A))
        self.iam.attach_role_policy(RoleName="page-full", PolicyArn=boundary)
        pages = list(self.iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"]))
        roles = [role for page in pages for role in page["RoleDetailList"]]
        self.assertEqual([len(page["RoleDetailList"]) for page in pages], [100, len(roles) - 100])
        self.assertEqual([page.get("Policies") for page in pages], [[], []])
        self.assertLessEqual(set(self.names), {role["RoleName"] for role in roles})
        full = next(role for role in roles if role["RoleName"] == "page-full")
        self.assertEqual(full["AssumeRolePolicyDocument"], json.loads(self.trust()))
        self.assertEqual(full["RolePolicyList"], [{"PolicyName": "p", "PolicyDocument": READ_A}])
        self.assertEqual(full["AttachedManagedPolicies"], [{"PolicyName": "page-boundary", "PolicyArn": boundary}])
        self.assertEqual((full["PermissionsBoundary"]["PermissionsBoundaryArn"], full["Tags"]), (boundary, [{"Key": "k", "Value": "v"}]))
        self.assertEqual(len(self.iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["RoleDetailList"]), 0)

    def test_documents_are_url_encoded_on_the_wire(self):
        self.role("page-wire")
        raw = []
        iam = self.endpoint.client("iam")
        iam.meta.events.register("after-call.iam.*", lambda http_response, **_: raw.append(http_response.text))
        iam.get_account_authorization_details(Filter=["Role"], MaxItems=1000)
        iam.get_role(RoleName="page-wire")
        for text in raw:
            document = text.split("page-wire</RoleName>")[1].split("<AssumeRolePolicyDocument>")[1].split("<")[0]
            self.assertTrue(document.startswith("%7B"), document)
            self.assertEqual(json.loads(unquote(document)), json.loads(self.trust()))

    def test_policies_of_a_role_in_pages(self):
        self.role("page-policies")
        for number in range(3):
            self.iam.put_role_policy(RoleName="page-policies", PolicyName=f"p{number}", PolicyDocument=json.dumps(READ_A))
            self.iam.attach_role_policy(RoleName="page-policies", PolicyArn=self.boundary(f"page-{number}", READ_A))
        inline = self.iam.list_role_policies(RoleName="page-policies", MaxItems=2)
        self.assertEqual((inline["PolicyNames"], inline["IsTruncated"]), (["p0", "p1"], True))
        self.assertEqual(self.iam.list_role_policies(RoleName="page-policies", Marker=inline["Marker"])["PolicyNames"], ["p2"])
        attached = self.iam.list_attached_role_policies(RoleName="page-policies", MaxItems=2)
        self.assertEqual(([p["PolicyName"] for p in attached["AttachedPolicies"]], attached["IsTruncated"]), (["page-0", "page-1"], True))
        self.assert_refused("ValidationError", self.iam.list_roles, MaxItems=1001)
        self.assert_refused("ValidationError", self.iam.list_roles, Marker="%%%")


if __name__ == "__main__":
    unittest.main()
