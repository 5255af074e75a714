"""EKS: pod identity associations, and who may make, read, change and delete them."""

import datetime
import json
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cases import ACCOUNT, ALLOW_ALL, PODS, READ_A, TAG, EksTest, document, only, trust_of_pods  # noqa: E402

EKS = f"arn:aws:eks:us-east-1:{ACCOUNT}:"


class Associations(EksTest):
    def test_a_cluster_is_told(self):
        cluster = self.eks.describe_cluster(name="blue")["cluster"]
        self.assertEqual((cluster["arn"], cluster["status"]), (f"{EKS}cluster/blue", "ACTIVE"))
        self.assertEqual(cluster["identity"], {"oidc": {"issuer": self.issuer.url}})
        self.assert_refused("ResourceNotFoundException", self.eks.describe_cluster, "No cluster found for name: none.", name="none", status=404)

    def test_an_association_is_made_read_changed_and_deleted(self):
        first, second = self.pod_role("pia-first"), self.pod_role("pia-second", Path="/ambit/")
        made = self.associate("whole", first, tags={TAG: "blue"})
        self.assertRegex(made["associationId"], r"^a-[a-z0-9]{17}$")
        named = {"clusterName": "blue", "associationId": made["associationId"]}
        self.assertEqual({key: made[key] for key in ("clusterName", "namespace", "serviceAccount", "roleArn", "associationArn", "tags", "disableSessionTags")}, {
            "clusterName": "blue", "namespace": "shop", "serviceAccount": "whole", "roleArn": first, "tags": {TAG: "blue"},
            "associationArn": f"{EKS}podidentityassociation/blue/{made['associationId']}", "disableSessionTags": False})
        self.assertLess(abs(datetime.datetime.now(datetime.UTC) - made["createdAt"]), datetime.timedelta(minutes=1))
        self.assertEqual(self.eks.describe_pod_identity_association(**named)["association"], made)
        changed = self.eks.update_pod_identity_association(**named, roleArn=second)["association"]
        self.assertEqual((changed["roleArn"], changed["createdAt"], changed["associationId"]), (second, made["createdAt"], made["associationId"]))
        self.assertEqual(self.eks.describe_pod_identity_association(**named)["association"], changed)
        self.assertEqual(self.eks.delete_pod_identity_association(**named)["association"], changed)
        for call in ("describe_pod_identity_association", "delete_pod_identity_association"):
            self.assert_refused("ResourceNotFoundException", getattr(self.eks, call), made["associationId"], **named, status=404)
        self.assertNotEqual(self.associate("whole", first)["associationId"], made["associationId"])

    def test_one_association_for_each_service_account(self):
        role, other = self.pod_role("pia-one"), self.pod_role("pia-other")
        made = self.associate("one", role, clientRequestToken="token-1")
        again = {"account": "one", "role": role}
        self.assert_refused("ResourceInUseException", self.associate, f"Association already exists: {made['associationId']}", **again, status=409)
        self.assertEqual(self.associate(**again, clientRequestToken="token-1"), made)
        self.assert_refused("ResourceInUseException", self.associate, account="one", role=other, clientRequestToken="token-1")
        self.associate(**again, namespace="else")
        self.associate(**again, cluster="green")

    def test_clusters_and_associations_that_are_not_there(self):
        role = self.pod_role("pia-absent")
        made = self.associate("absent", role)
        self.assert_refused("ResourceNotFoundException", self.associate, "No cluster found for name: red.", account="absent", role=role, cluster="red", status=404)
        self.assert_refused("ResourceNotFoundException", self.eks.list_pod_identity_associations, clusterName="red", status=404)
        for cluster, association in (("green", made["associationId"]), ("blue", "a-none"), ("red", made["associationId"])):
            for call, more in (("describe", {}), ("update", {"roleArn": role}), ("delete", {})):
                with self.subTest(cluster=cluster, association=association, call=call):
                    self.assert_refused("ResourceNotFoundException", getattr(self.eks, f"{call}_pod_identity_association"),
                                        clusterName=cluster, associationId=association, status=404, **more)
        self.assertEqual(self.eks.describe_pod_identity_association(clusterName="blue", associationId=made["associationId"])["association"], made)

    def test_roles_that_eks_does_not_take(self):
        web = self.role("pia-web")
        untagged = self.pod_role("pia-untagged", trust_of_pods("sts:AssumeRole"))
        for message, role in (
            ("Role provided in the request does not exist.", f"arn:aws:iam::{ACCOUNT}:role/nobody"),
            ("Role provided in the request does not exist.", f"arn:aws:iam::{ACCOUNT}:role/elsewhere/pia-web"),
            ("Trust policy of the role provided is invalid.", web),
            ("Trust policy of the role provided is invalid.", untagged),
            ("roleArn must be the ARN of a role", "pia-web"),
        ):
            with self.subTest(role):
                self.assert_refused("InvalidParameterException", self.associate, message, account="refused", role=role, status=400)
        foreign = "arn:aws:iam::111122223333:role/theirs"
        self.assert_refused("AccessDeniedException", self.associate, "Cross-account pass role", account="refused", role=foreign, status=403)
        self.associate("untagged", untagged, disableSessionTags=True)
        made = self.associate("refused", self.pod_role("pia-taken"))
        self.assert_refused("InvalidParameterException", self.eks.update_pod_identity_association, "Trust policy",
                            clusterName="blue", associationId=made["associationId"], roleArn=web)

    def test_parameters_that_eks_does_not_take(self):
        role = self.pod_role("pia-parameters")
        made = self.associate("parameters", role)
        for message, arguments in (
            ("namespace must be given", {"namespace": "Not A Name"}),
            ("serviceAccount must be given", {"account": ""}),
            ("tag keys must not begin with aws:", {"tags": {"aws:x": "1"}}),
            ("disableSessionTags must be true", {"policy": json.dumps(READ_A)}),
            ("invalid Json", {"policy": "{", "disableSessionTags": True}),
            ("targetRoleArn must be", {"targetRoleArn": "nobody"}),
        ):
            with self.subTest(message):
                self.assert_refused("InvalidParameterException", self.associate, message, status=400, **{"account": "bad", "role": role, **arguments})
        named = {"clusterName": "blue", "associationId": made["associationId"]}
        self.assert_refused("InvalidParameterException", self.eks.update_pod_identity_association, "at least one", **named)
        self.assert_refused("InvalidParameterException", self.eks.list_pod_identity_associations, clusterName="blue", maxResults=101)
        self.assert_refused("InvalidParameterException", self.eks.list_pod_identity_associations, clusterName="blue", nextToken="%%%")

    def test_settings_are_set_and_unset(self):
        role, target = self.pod_role("pia-settings"), f"arn:aws:iam::{ACCOUNT}:role/target"
        made = self.associate("settings", role, disableSessionTags=True, policy=json.dumps(READ_A), targetRoleArn=target)
        self.assertEqual((made["policy"], made["targetRoleArn"], made["disableSessionTags"]), (json.dumps(READ_A), target, True))
        self.assertEqual(made["externalId"], f"us-east-1/{ACCOUNT}/blue/shop/settings")
        named = {"clusterName": "blue", "associationId": made["associationId"]}
        changed = self.eks.update_pod_identity_association(**named, targetRoleArn="", policy="", disableSessionTags=False)["association"]
        self.assertEqual([changed.get(name) for name in ("targetRoleArn", "policy", "externalId", "disableSessionTags", "roleArn")],
                         [None, None, None, False, role])

    def test_lists_in_pages_and_by_what_is_asked_for(self):
        role = self.pod_role("pia-pages")
        self.plant_cluster("pages", self.issuer.url)
        made = [self.associate(f"page-{number % 5}", role, cluster="pages", namespace=f"ns-{number // 5}") for number in range(15)]
        pages = list(self.eks.get_paginator("list_pod_identity_associations").paginate(clusterName="pages", PaginationConfig={"PageSize": 10}))
        self.assertEqual([len(page["associations"]) for page in pages], [10, 5])
        ids = [one["associationId"] for page in pages for one in page["associations"]]
        self.assertEqual(ids, sorted(one["associationId"] for one in made))
        self.assertEqual(set(pages[0]["associations"][0]), {"clusterName", "namespace", "serviceAccount", "associationArn", "associationId"})

        def listed(**filters) -> set[tuple[str, str]]:
            answer = self.eks.list_pod_identity_associations(clusterName="pages", **filters)["associations"]
            return {(one["namespace"], one["serviceAccount"]) for one in answer}

        self.assertEqual(listed(namespace="ns-1"), {("ns-1", f"page-{number}") for number in range(5)})
        self.assertEqual(listed(serviceAccount="page-3"), {(f"ns-{number}", "page-3") for number in range(3)})
        self.assertEqual(listed(namespace="ns-2", serviceAccount="page-0"), {("ns-2", "page-0")})
        self.assertEqual(listed(namespace="ns-2", serviceAccount="none"), set())
        self.assertEqual(self.eks.list_pod_identity_associations(clusterName="green", namespace="ns-1")["associations"], [])

    def test_tags_are_added_and_removed(self):
        made = self.associate("tagged", self.pod_role("pia-tagged"), tags={"a": "1"})
        arn = made["associationArn"]
        self.eks.tag_resource(resourceArn=arn, tags={"b": "2", "a": "3"})
        self.assertEqual(self.eks.list_tags_for_resource(resourceArn=arn)["tags"], {"a": "3", "b": "2"})
        self.eks.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
        told = self.eks.describe_pod_identity_association(clusterName="blue", associationId=made["associationId"])["association"]
        self.assertEqual(told["tags"], {"b": "2"})
        many = {f"k{number}": "" for number in range(50)}
        self.assert_refused("BadRequestException", self.eks.tag_resource, "at most 50", resourceArn=arn, tags=many, status=400)
        for arn in (f"{EKS}podidentityassociation/green/{made['associationId']}", f"{EKS}cluster/none"):
            self.assert_refused("NotFoundException", self.eks.list_tags_for_resource, resourceArn=arn, status=404)
        self.assert_refused("BadRequestException", self.eks.list_tags_for_resource, resourceArn="blue", status=400)

    def test_a_refusal_has_eks_own_shape(self):
        answers = []
        eks = self.endpoint.client("eks")
        eks.meta.events.register("after-call.eks.*", lambda http_response, **_: answers.append(http_response))
        self.assert_refused("ResourceNotFoundException", eks.describe_cluster, name="none")
        self.assertEqual(answers[0].headers["x-amzn-ErrorType"], "ResourceNotFoundException")
        body = json.loads(answers[0].content)
        self.assertEqual(body, {"clusterName": None, "nodegroupName": None, "addonName": None, "message": "No cluster found for name: none."})

    def test_all_of_it_outlives_a_killed_process(self):
        made = self.associate("lasting", self.pod_role("pia-lasting"), tags={"k": "v"})
        gone = self.associate("passing", self.pod_role("pia-passing"))
        self.eks.tag_resource(resourceArn=made["associationArn"], tags={"later": "too"})
        self.eks.delete_pod_identity_association(clusterName="blue", associationId=gone["associationId"])
        self.endpoint.stop(kill=True)
        self.endpoint.start()
        told = self.eks.describe_pod_identity_association(clusterName="blue", associationId=made["associationId"])["association"]
        self.assertEqual(told, {**made, "tags": {"k": "v", "later": "too"}})
        self.assert_refused("ResourceInUseException", self.associate, made["associationId"], account="lasting", role=made["roleArn"])
        self.assertEqual(self.eks.list_pod_identity_associations(clusterName="blue", namespace="shop", serviceAccount="passing")["associations"], [])
        self.associate("passing", gone["roleArn"])


class Rights(EksTest):
    """A policy like the one Ambit runs under: its cluster, its tag, its roles."""

    ROLES = f"arn:aws:iam::{ACCOUNT}:role/ambit/*"
    OWN = f"{EKS}podidentityassociation/blue/*"

    @classmethod
    def statements(cls) -> dict[str, dict]:
        requested, mine = {f"aws:RequestTag/{TAG}": "blue"}, {f"aws:ResourceTag/{TAG}": "blue"}
        return {
            "create": {"Action": "eks:CreatePodIdentityAssociation", "Resource": cls.blue, "Condition": {"StringEquals": requested}},
            "tag": {"Action": "eks:TagResource", "Resource": cls.OWN, "Condition": {
                "StringEquals": requested, "ForAllValues:StringLike": {"aws:TagKeys": "ambit.dev/*"}}},
            "change": {"Action": ["eks:UpdatePodIdentityAssociation", "eks:DeletePodIdentityAssociation", "eks:UntagResource",
                                  "eks:DescribePodIdentityAssociation"], "Resource": cls.OWN, "Condition": {"StringEquals": mine}},
            "list": {"Action": ["eks:ListPodIdentityAssociations", "eks:DescribeCluster"], "Resource": cls.blue},
            "pass": {"Action": "iam:PassRole", "Resource": cls.ROLES, "Condition": {"StringEquals": {"iam:PassedToService": PODS}}},
            "read": {"Action": "iam:GetRole", "Resource": cls.ROLES},
        }

    def operator(self, name: str, **changes):
        """EKS as a user with these rights, some of them changed or, where None, taken away."""
        rights = {**self.statements(), **changes}
        policy = json.loads(document(*({"Effect": "Allow", **right} for right in rights.values() if right is not None)))
        return self.user(name, policy, "eks")

    def create(self, eks, account: str, role: str, **changes) -> dict:
        wanted = {"clusterName": "blue", "namespace": "shop", "serviceAccount": account, "roleArn": role, "tags": {TAG: "blue"}, **changes}
        return eks.create_pod_identity_association(**{key: value for key, value in wanted.items() if value is not None})["association"]

    def test_makes_only_what_its_policy_names(self):
        eks, role = self.operator("eks-maker"), self.pod_role("pia-maker", Path="/ambit/")
        outside = self.pod_role("pia-outside")
        made = self.create(eks, "maker", role)
        self.assertEqual(made["tags"], {TAG: "blue"})
        for action, on, changes in (
            ("eks:CreatePodIdentityAssociation", self.green, {"clusterName": "green"}),
            ("eks:CreatePodIdentityAssociation", self.blue, {"tags": None}),
            ("eks:CreatePodIdentityAssociation", self.blue, {"tags": {TAG: "green"}}),
            ("eks:TagResource", f"{EKS}podidentityassociation/blue/a-", {"tags": {TAG: "blue", "else": "x"}}),
            ("iam:PassRole", outside, {"roleArn": outside}),
        ):
            with self.subTest(action=action, changes=changes):
                wanted = {"account": "refused", "role": role, **changes}
                self.assert_refused("AccessDeniedException", self.create, "user/eks-maker", f"{action} on resource: {on}", status=403, eks=eks, **wanted)
        self.assertEqual(self.eks.list_pod_identity_associations(clusterName="blue", serviceAccount="refused")["associations"], [])

    def test_each_right_beside_is_needed(self):
        role = self.pod_role("pia-beside", Path="/ambit/")
        statements = self.statements()
        other_service = {**statements["pass"], "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
        by_tag = {**statements["pass"], "Condition": {"StringEquals": {f"aws:ResourceTag/{TAG}": "blue"}}}
        self.iam.tag_role(RoleName="pia-beside", Tags=[{"Key": TAG, "Value": "blue"}])
        for name, action, changes in (
            ("eks-no-pass", "iam:PassRole", {"pass": None}), ("eks-other-service", "iam:PassRole", {"pass": other_service}),
            ("eks-pass-by-tag", "iam:PassRole", {"pass": by_tag}), ("eks-no-read", "iam:GetRole", {"read": None}),
            ("eks-no-tag", "eks:TagResource", {"tag": None}),
        ):
            with self.subTest(name):
                self.assert_refused("AccessDeniedException", self.create, f"user/{name}", f"not authorized to perform: {action}",
                                    eks=self.operator(name, **changes), account="beside", role=role, status=403)

    def test_changes_only_associations_with_its_tag(self):
        eks, role, outside = self.operator("eks-changer"), self.pod_role("pia-changer", Path="/ambit/"), self.pod_role("pia-changer-out")
        mine = {"clusterName": "blue", "associationId": self.create(eks, "changer", role)["associationId"]}
        foreign = self.associate("foreign", role, tags={TAG: "green"})
        eks.describe_pod_identity_association(**mine)
        eks.update_pod_identity_association(**mine, disableSessionTags=True)
        self.assert_refused("AccessDeniedException", eks.update_pod_identity_association, f"iam:PassRole on resource: {outside}", **mine, roleArn=outside)
        theirs = {"clusterName": "blue", "associationId": foreign["associationId"]}
        for call, action, more in (("describe", "Describe", {}), ("update", "Update", {"roleArn": role}), ("delete", "Delete", {})):
            with self.subTest(call):
                self.assert_refused(
                    "AccessDeniedException", getattr(eks, f"{call}_pod_identity_association"),
                    f"eks:{action}PodIdentityAssociation on resource: {foreign['associationArn']}", **theirs, status=403, **more)
        self.assert_refused("AccessDeniedException", eks.untag_resource, resourceArn=foreign["associationArn"], tagKeys=[TAG])
        self.assert_refused("AccessDeniedException", eks.list_tags_for_resource, resourceArn=foreign["associationArn"])
        self.assertEqual(len(eks.list_pod_identity_associations(clusterName="blue", serviceAccount="foreign")["associations"]), 1)
        self.assert_refused("AccessDeniedException", eks.list_pod_identity_associations, self.green, clusterName="green")
        self.assert_refused("AccessDeniedException", eks.describe_cluster, self.green, name="green")
        eks.delete_pod_identity_association(**mine)

    def test_the_tag_of_a_cluster_decides_as_well(self):
        self.eks.tag_resource(resourceArn=self.green, tags={"team": "shop"})
        policy = only("eks:ListPodIdentityAssociations", "*", StringEquals={"aws:ResourceTag/team": "shop"})
        eks = self.user("eks-by-cluster", policy, "eks")
        eks.list_pod_identity_associations(clusterName="green")
        self.assert_refused("AccessDeniedException", eks.list_pod_identity_associations, clusterName="blue")

    def test_signatures_are_checked(self):
        key, secret = self.new_key("eks-signer", ALLOW_ALL)
        self.endpoint.client("eks", key, secret).describe_cluster(name="blue")
        self.assert_refused("InvalidSignatureException", self.endpoint.client("eks", key, "wrong").describe_cluster, name="blue", status=403)
        self.assert_refused("UnrecognizedClientException", self.endpoint.client("eks", "AKIAUNKNOWN000000000").describe_cluster, name="blue", status=403)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{self.endpoint.url}/clusters/blue", timeout=5)
        self.assertEqual(caught.exception.code, 403)
        caught.exception.close()

    def test_only_root_plants_clusters_and_what_is_not_mapped_is_refused(self):
        anyone = self.user("eks-anyone", ALLOW_ALL, "eks")
        made = {"name": "mine", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/x", "resourcesVpcConfig": {}, "tags": {"endpoint/issuer": "https://x"}}
        for client, call, arguments in ((anyone, "create_cluster", made), (anyone, "list_clusters", {}), (self.eks, "delete_cluster", {"name": "blue"})):
            with self.subTest(call):
                before = self.endpoint.log.read_text().count("UNMAPPED ACTION")
                self.assert_refused("AccessDeniedException", getattr(client, call), "cannot map", status=403, **arguments)
                self.assertEqual(self.endpoint.log.read_text().count("UNMAPPED ACTION"), before + 1)
        self.assert_refused("InvalidParameterException", self.eks.create_cluster, "endpoint/issuer", **{**made, "tags": {}})
        self.assert_refused("ResourceInUseException", self.eks.create_cluster, **{**made, "name": "blue"}, status=409)


if __name__ == "__main__":
    unittest.main()
