"""IAM users and their access keys: who may do what to them, and what a key is worth."""

import datetime
import json
import sys
import unittest
from pathlib import Path

from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import ACCOUNT, ALLOW_ALL, READ_A, TAG, EndpointTest, document  # noqa: E402

USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/ambit/"
MINE = [{"Key": TAG, "Value": "blue"}]


class Rights(EndpointTest):
    """A policy like the one Ambit runs under: its path, its boundary, its tag."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limit = cls.iam.create_policy(PolicyName="user-limit", PolicyDocument=json.dumps(READ_A))["Policy"]["Arn"]
        own, bound = {f"aws:ResourceTag/{TAG}": "blue"}, {"iam:PermissionsBoundary": cls.limit}
        requested = {f"aws:RequestTag/{TAG}": "blue"}
        rights = [
            {"Action": "iam:CreateUser", "Condition": {"StringEquals": {**bound, **requested}}},
            {"Action": "iam:TagUser", "Condition": {"StringEquals": requested, "ForAllValues:StringLike": {"aws:TagKeys": "ambit.dev/*"}}},
            {"Action": "iam:UntagUser", "Condition": {"StringEquals": own, "ForAllValues:StringEquals": {"aws:TagKeys": ["ambit.dev/extra"]}}},
            {"Action": ["iam:PutUserPolicy", "iam:DeleteUserPolicy"], "Condition": {"StringEquals": {**bound, **own}}},
            {"Action": "iam:PutUserPermissionsBoundary", "Condition": {"StringEquals": {**bound, **own}}},
            {"Action": ["iam:AttachUserPolicy", "iam:DetachUserPolicy"], "Condition": {
                "StringEquals": bound, "ArnEquals": {"iam:PolicyARN": cls.limit}}},
            {"Action": ["iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed",
                        "iam:GetUser", "iam:DeleteUser", "iam:ListUserTags", "iam:GetUserPolicy", "iam:ListUserPolicies",
                        "iam:ListAttachedUserPolicies", "iam:GetLoginProfile", "iam:ListGroupsForUser"], "Condition": {"StringEquals": own}},
        ]
        policy = json.loads(document(*({"Effect": "Allow", "Resource": f"{USER_ARN}*", **right} for right in rights)))
        cls.operator = cls.endpoint.client("iam", *cls.new_key("user-operator", policy))

    def create(self, name: str, **changes) -> dict:
        wanted = {"UserName": name, "Path": "/ambit/", "PermissionsBoundary": self.limit, "Tags": MINE, **changes}
        return self.operator.create_user(**{key: value for key, value in wanted.items() if value is not None})["User"]

    def test_makes_only_users_on_its_path_with_its_boundary_and_its_tag(self):
        made = self.create("u-good")
        self.assertEqual((made["Arn"], made["Tags"]), (f"{USER_ARN}u-good", MINE))
        self.assertEqual(made["PermissionsBoundary"]["PermissionsBoundaryArn"], self.limit)
        for name, changes in {
            "path": {"Path": "/"}, "longer-path": {"Path": "/x/ambit/"}, "boundary": {"PermissionsBoundary": None}, "no-tags": {"Tags": None},
            "other-boundary": {"PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "tag": {"Tags": [{"Key": TAG, "Value": "green"}]},
        }.items():
            with self.subTest(name):
                self.assert_refused("AccessDenied", self.create, "user/user-operator", "iam:CreateUser", f"/u-{name}", name=f"u-{name}", status=403, **changes)
        self.assert_refused("AccessDenied", self.create, "iam:TagUser", name="u-more", Tags=[*MINE, {"Key": "else", "Value": "x"}])

    def test_does_all_to_a_user_of_its_own(self):
        self.create("u-own")
        named, text = {"UserName": "u-own"}, json.dumps(READ_A)
        self.operator.put_user_policy(**named, PolicyName="p", PolicyDocument=text)
        self.assertEqual(self.operator.get_user_policy(**named, PolicyName="p")["PolicyDocument"], READ_A)
        self.assertEqual(self.operator.list_user_policies(**named)["PolicyNames"], ["p"])
        self.operator.attach_user_policy(**named, PolicyArn=self.limit)
        self.assertEqual(self.operator.list_attached_user_policies(**named)["AttachedPolicies"], [{"PolicyName": "user-limit", "PolicyArn": self.limit}])
        self.operator.tag_user(**named, Tags=[*MINE, {"Key": "ambit.dev/extra", "Value": ""}])
        self.assertEqual(self.operator.list_user_tags(**named)["Tags"], [{"Key": "ambit.dev/extra", "Value": ""}, *MINE])
        self.operator.put_user_permissions_boundary(**named, PermissionsBoundary=self.limit)
        key = self.operator.create_access_key(**named)["AccessKey"]["AccessKeyId"]
        self.operator.update_access_key(**named, AccessKeyId=key, Status="Inactive")
        self.assertEqual([(k["AccessKeyId"], k["Status"]) for k in self.operator.list_access_keys(**named)["AccessKeyMetadata"]], [(key, "Inactive")])
        self.assertEqual(self.operator.get_access_key_last_used(AccessKeyId=key)["UserName"], "u-own")
        self.assert_refused("NoSuchEntity", self.operator.get_login_profile, "Login Profile for User u-own", **named, status=404)
        self.assertEqual(self.operator.list_groups_for_user(**named)["Groups"], [])
        self.operator.untag_user(**named, TagKeys=["ambit.dev/extra"])
        self.assertEqual(self.operator.get_user(**named)["User"]["Tags"], MINE)
        for problem, undo in (("detach all policies", lambda: self.operator.detach_user_policy(**named, PolicyArn=self.limit)),
                              ("delete policies", lambda: self.operator.delete_user_policy(**named, PolicyName="p")),
                              ("delete access keys", lambda: self.operator.delete_access_key(**named, AccessKeyId=key))):
            with self.assertRaises(ClientError) as caught:
                self.operator.delete_user(**named)
            self.assertEqual(caught.exception.response["Error"]["Code"], "DeleteConflict", problem)
            undo()
        self.operator.delete_user(**named)
        self.assert_refused("NoSuchEntity", self.iam.get_user, **named, status=404)

    def test_touches_no_user_that_lacks_its_tag_or_its_boundary(self):
        self.iam.create_user(UserName="u-foreign", Path="/ambit/", Tags=[{"Key": TAG, "Value": "green"}], PermissionsBoundary=self.limit)
        self.iam.create_user(UserName="u-unbound", Path="/ambit/", Tags=MINE)
        self.iam.create_user(UserName="u-outside", Tags=MINE, PermissionsBoundary=self.limit)
        text = json.dumps(READ_A)
        for name, path in (("u-foreign", "ambit/"), ("u-outside", "")):
            key = self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
            for call, more in (
                ("create_access_key", {}), ("list_access_keys", {}), ("update_access_key", {"AccessKeyId": key, "Status": "Inactive"}),
                ("delete_access_key", {"AccessKeyId": key}), ("delete_user", {}), ("get_user", {}), ("untag_user", {"TagKeys": ["ambit.dev/extra"]}),
                ("put_user_policy", {"PolicyName": "p", "PolicyDocument": text}), ("get_login_profile", {}), ("list_groups_for_user", {}),
                ("put_user_permissions_boundary", {"PermissionsBoundary": self.limit}),
            ):
                with self.subTest(name=name, call=call):
                    self.assert_refused("AccessDenied", getattr(self.operator, call), f"user/{path}{name}", UserName=name, status=403, **more)
            self.assert_refused("AccessDenied", self.operator.get_access_key_last_used, f"user/{path}{name}", AccessKeyId=key)
        unbound = {"UserName": "u-unbound"}
        for call, more in (("put_user_policy", {"PolicyName": "p", "PolicyDocument": text}), ("attach_user_policy", {"PolicyArn": self.limit})):
            self.assert_refused("AccessDenied", getattr(self.operator, call), **unbound, **more)
        self.create("u-bound")
        other = self.boundary("user-other", READ_A)
        self.assert_refused("AccessDenied", self.operator.attach_user_policy, UserName="u-bound", PolicyArn=other)
        self.assert_refused("AccessDenied", self.operator.put_user_permissions_boundary, UserName="u-bound", PermissionsBoundary=other)

    def test_a_key_of_another_user_is_not_reached_through_a_user_of_its_own(self):
        self.create("u-door")
        self.iam.create_user(UserName="u-house")
        key = self.iam.create_access_key(UserName="u-house")["AccessKey"]["AccessKeyId"]
        for call, more in (("delete_access_key", {}), ("update_access_key", {"Status": "Inactive"})):
            self.assert_refused("NoSuchEntity", getattr(self.operator, call), key, UserName="u-door", AccessKeyId=key, status=404, **more)
        self.assertEqual([k["Status"] for k in self.iam.list_access_keys(UserName="u-house")["AccessKeyMetadata"]], ["Active"])


class Keys(EndpointTest):
    def test_an_inactive_key_is_refused_everywhere_until_it_is_active_again(self):
        key = self.new_key("k-inactive", ALLOW_ALL)
        named = {"UserName": "k-inactive", "AccessKeyId": key[0]}
        calls = [(self.endpoint.client(service, *key), call, arguments) for service, call, arguments in (
            ("iam", "list_roles", {}), ("sts", "get_caller_identity", {}), ("s3", "get_object", {"Bucket": "bucket-a", "Key": "hello.txt"}),
            ("sqs", "create_queue", {"QueueName": "k-inactive"}), ("eks", "describe_cluster", {"name": "none"}),
            ("eks-auth", "assume_role_for_pod_identity", {"clusterName": "none", "token": "a.b.c"}))]
        codes = {"iam": "InvalidClientTokenId", "sts": "InvalidClientTokenId", "sqs": "InvalidClientTokenId", "s3": "InvalidAccessKeyId",
                 "eks": "UnrecognizedClientException", "eks-auth": "UnrecognizedClientException"}
        self.iam.update_access_key(**named, Status="Inactive")
        for client, call, arguments in calls:
            with self.subTest(call):
                self.assert_refused(codes[client.meta.service_model.signing_name], getattr(client, call), status=403, **arguments)
        self.iam.update_access_key(**named, Status="Active")
        for client, call, arguments in calls[:4]:
            getattr(client, call)(**arguments)
        self.iam.delete_access_key(**named)
        self.assert_refused("InvalidClientTokenId", calls[0][0].list_roles)

    def test_a_second_key_works_beside_the_first_and_there_is_no_third(self):
        first = self.new_key("k-two", READ_A)
        second = self.iam.create_access_key(UserName="k-two")["AccessKey"]
        for key in (first, (second["AccessKeyId"], second["SecretAccessKey"])):
            self.endpoint.client("s3", *key).get_object(Bucket="bucket-a", Key="hello.txt")
        self.iam.update_access_key(UserName="k-two", AccessKeyId=first[0], Status="Inactive")
        self.assert_refused("LimitExceeded", self.iam.create_access_key, "AccessKeysPerUser: 2", UserName="k-two", status=409)
        self.iam.delete_access_key(UserName="k-two", AccessKeyId=first[0])
        self.iam.create_access_key(UserName="k-two")
        self.assertEqual(len(self.iam.list_access_keys(UserName="k-two")["AccessKeyMetadata"]), 2)

    def used(self, key: str) -> dict:
        return self.iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]

    def test_last_use_tells_service_region_and_time(self):
        key = self.new_key("k-used", READ_A)
        self.assertEqual(self.used(key[0]), {"ServiceName": "N/A", "Region": "N/A"})
        self.endpoint.client("s3", *key).get_object(Bucket="bucket-a", Key="hello.txt")
        used = self.used(key[0])
        self.assertEqual((used["ServiceName"], used["Region"]), ("s3", "us-east-1"))
        self.assertLess(abs(datetime.datetime.now(datetime.UTC) - used["LastUsedDate"]), datetime.timedelta(minutes=1))
        self.assert_refused("AccessDenied", self.endpoint.client("iam", *key).list_roles)  # refused, but by a caller who is known
        self.assertEqual(self.used(key[0])["ServiceName"], "iam")
        west = self.endpoint.client("sts", *key, region="eu-west-1")
        west.get_caller_identity()
        self.assertRaises(ClientError, self.endpoint.client("s3", key[0], "wrong").list_buckets)  # whoever knows no more than the key's id
        self.endpoint.stop(kill=True)
        self.endpoint.start()
        self.assertEqual([self.used(key[0])[name] for name in ("ServiceName", "Region")], ["sts", "eu-west-1"])
        self.assert_refused("NoSuchEntity", self.iam.get_access_key_last_used, AccessKeyId="AKIAUNKNOWN000000000", status=404)

    def test_a_boundary_limits_a_user_in_every_service(self):
        key = self.new_key("k-bound", ALLOW_ALL, PermissionsBoundary=self.boundary("k-boundary", READ_A))
        s3, iam = self.endpoint.client("s3", *key), self.endpoint.client("iam", *key)
        s3.get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("AccessDenied", s3.get_object, Bucket="bucket-b", Key="hello.txt")
        self.assert_refused("AccessDenied", iam.list_roles, "no permissions boundary allows")
        self.assert_refused("AccessDeniedException", self.endpoint.client("eks", *key).describe_cluster, "no permissions boundary allows", name="x")
        self.iam.delete_user_permissions_boundary(UserName="k-bound")
        s3.get_object(Bucket="bucket-b", Key="hello.txt")

    def test_calls_without_a_name_mean_the_caller(self):
        key = self.new_key("k-self", json.loads(document(
            {"Effect": "Allow", "Action": ["iam:*AccessKey*", "iam:GetUser"], "Resource": f"arn:aws:iam::{ACCOUNT}:user/k-self"})))
        iam = self.endpoint.client("iam", *key)
        self.assertEqual(iam.get_user()["User"]["UserName"], "k-self")
        second = iam.create_access_key()["AccessKey"]
        self.assertEqual((second["UserName"], len(iam.list_access_keys()["AccessKeyMetadata"])), ("k-self", 2))
        iam.delete_access_key(AccessKeyId=second["AccessKeyId"])
        session = self.endpoint.as_session("iam", self.assume(self.role("k-session", ALLOW_ALL))["Credentials"])
        self.assert_refused("ValidationError", session.create_access_key, "Must specify userName", status=400)

    def test_errors_have_awss_codes(self):
        self.iam.create_user(UserName="coded")
        key = self.iam.create_access_key(UserName="coded")["AccessKey"]["AccessKeyId"]
        tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
        self.iam.tag_user(UserName="coded", Tags=tags)
        for code, status, call, arguments in (
            ("EntityAlreadyExists", 409, "create_user", {"UserName": "CODED"}),
            ("ValidationError", 400, "create_user", {"UserName": "bad/name"}),
            ("NoSuchEntity", 404, "create_user", {"UserName": "limitless", "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/none"}),
            ("LimitExceeded", 409, "tag_user", {"UserName": "coded", "Tags": [{"Key": "one-more", "Value": ""}]}),
            ("ValidationError", 400, "update_access_key", {"UserName": "coded", "AccessKeyId": key, "Status": "Asleep"}),
            ("MalformedPolicyDocument", 400, "put_user_policy", {"UserName": "coded", "PolicyName": "p", "PolicyDocument": "{"}),
            ("NoSuchEntity", 404, "get_user_policy", {"UserName": "coded", "PolicyName": "none"}),
            ("NoSuchEntity", 404, "delete_user_policy", {"UserName": "coded", "PolicyName": "none"}),
            ("NoSuchEntity", 404, "delete_user_permissions_boundary", {"UserName": "coded"}),
            *(("NoSuchEntity", 404, call, {"UserName": "nobody"}) for call in (
                "get_user", "delete_user", "list_user_tags", "list_user_policies", "list_attached_user_policies", "list_access_keys",
                "create_access_key", "get_login_profile", "list_groups_for_user")),
            ("NoSuchEntity", 404, "tag_user", {"UserName": "nobody", "Tags": MINE}),
            ("NoSuchEntity", 404, "delete_access_key", {"UserName": "coded", "AccessKeyId": "AKIAUNKNOWN000000000"}),
        ):
            with self.subTest(call=call, arguments=arguments):
                self.assert_refused(code, getattr(self.iam, call), status=status, **arguments)

    def test_lists_come_in_pages(self):
        self.iam.create_user(UserName="paged", Tags=[{"Key": key, "Value": "v"} for key in "abc"])
        for number in range(3):
            self.iam.put_user_policy(UserName="paged", PolicyName=f"p{number}", PolicyDocument=json.dumps(READ_A))
            self.iam.attach_user_policy(UserName="paged", PolicyArn=self.boundary(f"paged-{number}", READ_A))
        for _ in range(2):
            self.iam.create_access_key(UserName="paged")
        for call, element, sizes in (("list_user_policies", "PolicyNames", [2, 1]), ("list_attached_user_policies", "AttachedPolicies", [2, 1]),
                                     ("list_user_tags", "Tags", [2, 1]), ("list_access_keys", "AccessKeyMetadata", [2])):
            with self.subTest(call):
                pages = self.iam.get_paginator(call).paginate(UserName="paged", PaginationConfig={"PageSize": 2})
                self.assertEqual([len(page[element]) for page in pages], sizes)

    def test_account_details_have_all_of_a_user(self):
        boundary = self.boundary("detail-boundary", READ_A)
        tags = [{"Key": "k", "Value": "v"}]
        made = self.iam.create_user(UserName="detailed", Path="/full/", PermissionsBoundary=boundary, Tags=tags)["User"]
        self.iam.put_user_policy(UserName="detailed", PolicyName="p", PolicyDocument=json.dumps(READ_A))
        self.iam.attach_user_policy(UserName="detailed", PolicyArn=boundary)
        self.iam.create_access_key(UserName="detailed")
        users = [user for page in self.iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"]) for user in page["UserDetailList"]]
        user = next(user for user in users if user["UserName"] == "detailed")
        self.assertEqual((user["Path"], user["UserId"], user["Arn"]), ("/full/", made["UserId"], f"arn:aws:iam::{ACCOUNT}:user/full/detailed"))
        self.assertEqual(user["UserPolicyList"], [{"PolicyName": "p", "PolicyDocument": READ_A}])
        self.assertEqual(user["AttachedManagedPolicies"], [{"PolicyName": "detail-boundary", "PolicyArn": boundary}])
        self.assertEqual((user["PermissionsBoundary"]["PermissionsBoundaryArn"], user["Tags"], user["GroupList"]), (boundary, tags, []))

    def test_users_and_keys_outlive_a_killed_process(self):
        key = self.new_key("k-kept", READ_A, Path="/kept/", Tags=MINE)
        idle = self.iam.create_access_key(UserName="k-kept")["AccessKey"]
        self.iam.update_access_key(UserName="k-kept", AccessKeyId=idle["AccessKeyId"], Status="Inactive")
        before = self.iam.get_user(UserName="k-kept")["User"]
        self.endpoint.stop(kill=True)
        self.endpoint.start()
        self.assertEqual(self.iam.get_user(UserName="k-kept")["User"], before)
        self.endpoint.client("s3", *key).get_object(Bucket="bucket-a", Key="hello.txt")
        self.assert_refused("InvalidClientTokenId", self.endpoint.client("sts", idle["AccessKeyId"], idle["SecretAccessKey"]).get_caller_identity)


if __name__ == "__main__":
    unittest.main()
