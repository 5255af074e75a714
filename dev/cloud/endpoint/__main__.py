"""Starts the endpoint: `python -m endpoint --port N --state DIR --oidc-ca FILE [--log FILE]`."""

import argparse
import logging
import os
import sys
from pathlib import Path


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="endpoint", description="AWS endpoint of the test bed: IAM, STS, S3 and SQS on one loopback port.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the state over a restart")
    parser.add_argument("--oidc-ca", type=Path, required=True, help="certificates (PEM) that token issuers are verified with")
    parser.add_argument("--issuer-at", action="append", default=[], metavar="URL=ADDRESS", help="where an issuer is found that is not what its URL says")
    parser.add_argument("--log", type=Path, help="log file; standard error when absent")
    return parser.parse_args()


def configure_ministack(port: int, state: Path) -> None:
    """Sets what ministack reads from its environment when it is imported: before any import of it."""
    os.environ.update({
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
    })
    os.environ.pop("AWS_SESSION_TOKEN", None)
    os.environ.setdefault("MINISTACK_ACCOUNT_ID", "000000000000")


def main() -> int:
    args = arguments()
    if not args.oidc_ca.is_file():
        print(f"endpoint: `{args.oidc_ca}` is not a file; give --oidc-ca the issuer's CA certificate", file=sys.stderr)
        return 2
    args.state.mkdir(parents=True, exist_ok=True)
    (args.state / "s3").mkdir(exist_ok=True)
    logging.basicConfig(
        filename=args.log, level=logging.WARNING, force=True,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    logging.getLogger("endpoint").setLevel(logging.INFO)
    configure_ministack(args.port, args.state.resolve())
    from endpoint import server

    addresses = dict(one.split("=", 1) for one in args.issuer_at)
    return server.run(args.port, args.state.resolve(), args.oidc_ca.resolve(), addresses)


if __name__ == "__main__":
    sys.exit(main())
