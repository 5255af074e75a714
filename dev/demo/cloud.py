"""What the demo looks up in the bed's cloud, with root credentials and past the proxy that counts.

Prints one fact per line. Endpoint, region and credentials come from the environment.
Exit codes: 0 it was found, 3 there is no such thing, 1 anything else.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def iam():
    return boto3.client("iam", region_name=os.environ.get("AWS_REGION", "us-east-1"))


def policies(args: argparse.Namespace) -> None:
    """The policies of a role: inline ones by name, attached ones by ARN."""
    client = iam()
    for name in client.list_role_policies(RoleName=args.role)["PolicyNames"]:
        print(name)
    for policy in client.list_attached_role_policies(RoleName=args.role)["AttachedPolicies"]:
        print(policy["PolicyArn"])


def user(args: argparse.Namespace) -> None:
    """Whether a user has this one policy and no other; prints `exactly` or what it has."""
    client = iam()
    wanted = json.loads(args.policy.read_text())
    found = {}
    for name in client.list_user_policies(UserName=args.name)["PolicyNames"]:
        found[name] = client.get_user_policy(UserName=args.name, PolicyName=name)["PolicyDocument"]
    for policy in client.list_attached_user_policies(UserName=args.name)["AttachedPolicies"]:
        arn = policy["PolicyArn"]
        version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found[arn] = client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    print("exactly" if list(found.values()) == [wanted] else ", ".join(found) or "no policy")


def counts(args: argparse.Namespace) -> None:
    """What `bed counts` told, on standard input, of one caller: how many calls, and which."""
    tell(json.load(sys.stdin)["cloud"]["callers"].get(args.caller, {}))


def writes(args: argparse.Namespace) -> None:
    """What `bed counts` told, on standard input, of the operator's writes to the API server.

    Reviews are left out: with them the demo itself asked who the operator is.
    """
    told = json.load(sys.stdin)["apiWrites"]
    tell({what: number for what, number in told.items() if "selfsubject" not in what})


def tell(numbers: dict[str, int]) -> None:
    print(sum(numbers.values()))
    sorted_down = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    print(", ".join(f"{number} {what}" for what, number in sorted_down))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(run):
        added = commands.add_parser(run.__name__, help=run.__doc__)
        added.set_defaults(run=run)
        return added

    command(policies).add_argument("role")
    added = command(user)
    added.add_argument("name")
    added.add_argument("--policy", type=Path, required=True)
    command(counts).add_argument("caller")
    command(writes)
    return parser.parse_args()


def main() -> int:
    args = arguments()
    try:
        args.run(args)
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "NoSuchEntity":
            print("gone")
            return 3
        print(f"cloud: {problem}", file=sys.stderr)
        return 1
    except (BotoCoreError, OSError, ValueError, KeyError) as problem:
        print(f"cloud: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
