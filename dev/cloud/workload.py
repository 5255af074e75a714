"""The program that the bed runs as a pod's container: an ordinary SDK client with the default credential chain.

Exit codes: 0 done, 3 denied by S3, 4 refused by STS, 5 anything else.
Region, endpoint and credentials come from its environment and from nowhere else.
"""

import argparse
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

DONE, DENIED, NO_SESSION, FAILED = 0, 3, 4, 5
SHOWN_BYTES = 64
STS_CALLS = {"AssumeRoleWithWebIdentity", "AssumeRole", "GetCallerIdentity"}


def read(bucket: str, key: str) -> None:
    """Prints the first bytes of an object."""
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(SHOWN_BYTES)
    print(body.decode("utf-8", "replace"))


def listing(bucket: str) -> None:
    """Prints the keys of a bucket."""
    for item in client("s3").list_objects_v2(Bucket=bucket).get("Contents", []):
        print(item["Key"])


def whoami() -> None:
    """Prints who the credentials say the program is."""
    print(client("sts").get_caller_identity()["Arn"])


def client(service: str):
    """A client of the region in the environment; boto3 itself reads only AWS_DEFAULT_REGION."""
    config = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=20)
    return boto3.client(service, region_name=os.environ.get("AWS_REGION"), config=config)


def outcome(problem: ClientError) -> int:
    """Says what was refused, and which exit code that is."""
    code = problem.response["Error"]["Code"]
    if problem.operation_name in STS_CALLS:
        print(f"refused: {code}")
        return NO_SESSION
    if code == "AccessDenied":
        print(f"denied: {code}")
        return DENIED
    print(f"failed: {code}")
    return FAILED


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("read", help=read.__doc__)
    command.add_argument("bucket")
    command.add_argument("key")
    command.set_defaults(run=lambda args: read(args.bucket, args.key))
    command = commands.add_parser("list", help=listing.__doc__)
    command.add_argument("bucket")
    command.set_defaults(run=lambda args: listing(args.bucket))
    command = commands.add_parser("whoami", help=whoami.__doc__)
    command.set_defaults(run=lambda args: whoami())
    args = parser.parse_args()
    try:
        args.run(args)
    except ClientError as problem:
        return outcome(problem)
    except (BotoCoreError, OSError) as problem:
        print(f"failed: {type(problem).__name__}")
        print(problem, file=sys.stderr)
        return FAILED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
