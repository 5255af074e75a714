"""A stand-in for the EKS Pod Identity Agent of a node: pods come with their token, and it asks EKS for credentials.

It prints its port, serves on loopback, and ends when its standard input does. Region,
endpoint and the node's key come from its environment.
"""

import argparse
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


class Agent(BaseHTTPRequestHandler):
    """Answers the one question that SDKs ask."""

    cluster = ""

    def do_GET(self) -> None:  # noqa: N802, the library's name
        try:
            self.answer(200, self.credentials(self.headers.get("Authorization", "")))
        except ClientError as problem:
            self.answer(400, {"code": problem.response["Error"]["Code"], "message": problem.response["Error"]["Message"]})

    def credentials(self, token: str) -> dict:
        client = boto3.client("eks-auth", region_name=os.environ["AWS_REGION"], config=CONFIG)
        found = client.assume_role_for_pod_identity(clusterName=self.cluster, token=token)["credentials"]
        return {
            "AccessKeyId": found["accessKeyId"],
            "SecretAccessKey": found["secretAccessKey"],
            "Token": found["sessionToken"],
            "Expiration": found["expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def answer(self, status: int, content: dict) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Says nothing: what it hands out is secret."""


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cluster", required=True)
    Agent.cluster = parser.parse_args().cluster
    server = ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    print(server.server_port, flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
