"""Puts into the bed's cloud, with root credentials, what is there before Ambit comes, and what others do by hand.

Each command may be run again; JSON on standard output. Endpoint, region and
credentials come from the environment (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY).
"""

import argparse
import json
import os
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

USER_INLINE_SIZE, MANAGED_SIZE = 2048, 6144
OPERATOR_POLICY = "ambit-operator"
ISSUER_TAG = "endpoint/issuer"


class Unplantable(Exception):
    """What was asked for cannot be made; says why."""


def client(service: str):
    return boto3.client(service, region_name=os.environ.get("AWS_REGION", "us-east-1"))


def code_of(problem: ClientError) -> str:
    return problem.response["Error"]["Code"]


def size(text: str) -> int:
    return sum(1 for character in text if not character.isspace())


def tags_of(args: argparse.Namespace) -> dict[str, str]:
    return dict(tag.split("=", 1) for tag in args.tag)


def account() -> str:
    return client("sts").get_caller_identity()["Account"]


def buckets(args: argparse.Namespace) -> object:
    """Buckets with one object, `hello.txt`, in each."""
    s3 = client("s3")
    for name in args.names:
        try:
            s3.create_bucket(Bucket=name)
        except ClientError as problem:
            if code_of(problem) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        s3.put_object(Bucket=name, Key="hello.txt", Body=f"hello from {name}\n".encode())
    return {"buckets": args.names}


def managed_policy(name: str, text: str) -> str:
    """A managed policy with exactly this text; its ARN."""
    iam = client("iam")
    try:
        return iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    except ClientError as problem:
        if code_of(problem) != "EntityAlreadyExists":
            raise
    arn = f"arn:aws:iam::{account()}:policy/{name}"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    current = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    if current != json.loads(text):
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
    return arn


def boundary(args: argparse.Namespace) -> object:
    """The managed policy that limits every role; prints its ARN."""
    return {"arn": managed_policy(args.name, args.file.read_text())}


def operator(args: argparse.Namespace) -> object:
    """An IAM user with exactly this policy and a fresh access key; older keys of it are deleted."""
    return user(args.name, args.policy.read_text(), args.boundary)


def user(name: str, policy: str, boundary: str | None = None) -> dict:
    """A user with exactly this policy, this boundary or none, and one access key."""
    iam = client("iam")
    limits = {"PermissionsBoundary": boundary} if boundary else {}
    try:
        iam.create_user(UserName=name, **limits)
    except ClientError as problem:
        if code_of(problem) != "EntityAlreadyExists":
            raise
        if boundary:
            iam.put_user_permissions_boundary(UserName=name, **limits)
        elif "PermissionsBoundary" in iam.get_user(UserName=name)["User"]:
            iam.delete_user_permissions_boundary(UserName=name)
    grant(name, policy)
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}


def grant(user: str, text: str) -> None:
    """Gives a user this policy and no other: inline where it fits, else as a managed policy."""
    iam = client("iam")
    if size(text) > MANAGED_SIZE:
        raise Unplantable(f"the policy has {size(text)} characters, a managed policy takes {MANAGED_SIZE}: make it shorter")
    attach = managed_policy(OPERATOR_POLICY, text) if size(text) > USER_INLINE_SIZE else None
    for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
        if policy["PolicyArn"] != attach:
            iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
    for name in iam.list_user_policies(UserName=user)["PolicyNames"]:
        if attach or name != OPERATOR_POLICY:
            iam.delete_user_policy(UserName=user, PolicyName=name)
    if attach:
        iam.attach_user_policy(UserName=user, PolicyArn=attach)
    else:
        iam.put_user_policy(UserName=user, PolicyName=OPERATOR_POLICY, PolicyDocument=text)


def role(args: argparse.Namespace) -> object:
    """A role that somebody else made."""
    iam, trust = client("iam"), args.trust.read_text()
    tags = [{"Key": key, "Value": value} for key, value in tags_of(args).items()]
    try:
        iam.create_role(RoleName=args.name, Path=args.path, AssumeRolePolicyDocument=trust, Tags=tags)
    except ClientError as problem:
        if code_of(problem) != "EntityAlreadyExists":
            raise
        iam.update_assume_role_policy(RoleName=args.name, PolicyDocument=trust)
        if tags:
            iam.tag_role(RoleName=args.name, Tags=tags)
    if args.policy:
        iam.put_role_policy(RoleName=args.name, PolicyName="planted", PolicyDocument=args.policy.read_text())
    return {"arn": iam.get_role(RoleName=args.name)["Role"]["Arn"]}


def cluster(args: argparse.Namespace) -> object:
    """A cluster of EKS whose service accounts' tokens come from this issuer; prints its name and ARN."""
    eks, tags = client("eks"), {**tags_of(args), ISSUER_TAG: args.issuer}
    try:
        nothing = f"arn:aws:iam::{account()}:role/cluster"  # the SDK asks for a role and a network; the endpoint uses neither
        arn = eks.create_cluster(name=args.name, roleArn=nothing, resourcesVpcConfig={}, tags=tags)["cluster"]["arn"]
    except ClientError as problem:
        if code_of(problem) != "ResourceInUseException":
            raise
        arn = eks.describe_cluster(name=args.name)["cluster"]["arn"]
        eks.tag_resource(resourceArn=arn, tags=tags)
    return {"name": args.name, "arn": arn}


def node(args: argparse.Namespace) -> object:
    """A user that may do what the agent on a node of this cluster does: exchange pods' tokens; prints its access key."""
    arn = client("eks").describe_cluster(name=args.cluster)["cluster"]["arn"]
    allow = {"Effect": "Allow", "Action": "eks-auth:AssumeRoleForPodIdentity", "Resource": arn}
    return user(args.name, json.dumps({"Version": "2012-10-17", "Statement": [allow]}))


def queue(args: argparse.Namespace) -> object:
    """A queue into which the endpoint puts the events of IAM; prints its URL and ARN."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=args.name, tags={"endpoint/events": "iam"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"url": url, "arn": arn}


def widen(args: argparse.Namespace) -> object:
    """One more inline policy on a role, as somebody would add it by hand."""
    client("iam").put_role_policy(RoleName=args.role, PolicyName=args.name, PolicyDocument=args.policy.read_text())
    return {"role": args.role, "policy": args.name}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(run):
        added = commands.add_parser(run.__name__, help=run.__doc__)
        added.set_defaults(run=run)
        return added

    command(buckets).add_argument("names", nargs="+")
    added = command(boundary)
    added.add_argument("--name", default="ambit-boundary")
    added.add_argument("--file", type=Path, required=True)
    added = command(operator)
    added.add_argument("--name", default="ambit-operator")
    added.add_argument("--policy", type=Path, required=True)
    added.add_argument("--boundary")
    added = command(role)
    added.add_argument("name")
    added.add_argument("--path", default="/")
    added.add_argument("--trust", type=Path, required=True)
    added.add_argument("--policy", type=Path)
    added.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    added = command(cluster)
    added.add_argument("name")
    added.add_argument("--issuer", required=True, metavar="URL")
    added.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    added = command(node)
    added.add_argument("--name", default="ambit-node")
    added.add_argument("--cluster", required=True, metavar="NAME")
    added = command(queue)
    added.add_argument("--name", default="ambit-events")
    added = command(widen)
    added.add_argument("role")
    added.add_argument("--policy", type=Path, required=True)
    added.add_argument("--name", required=True)
    return parser.parse_args()


def main() -> int:
    args = arguments()
    try:
        print(json.dumps(args.run(args)))
    except (ClientError, Unplantable, OSError, ValueError) as problem:
        print(f"plant: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
