"""What the tests stand on: a token issuer of their own, and the endpoint as the bed starts it."""

import datetime
import http.client
import http.server
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
import jwt
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

CLOUD = Path(__file__).resolve().parent.parent
START_DEADLINE = 20.0


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _self_signed(folder: Path) -> Path:
    """A certificate and its key in one file, for 127.0.0.1."""
    key, name = new_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    both = folder / "issuer.pem"
    both.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return both


class Issuer:
    """An HTTPS issuer with discovery and keys, as an API server has them."""

    def __init__(self, folder: Path) -> None:
        self.certificate = _self_signed(folder)
        self.keys = {"first": new_key()}
        self.requests: list[str] = []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.requests.append(self.path)
                body = json.dumps(issuer.documents().get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self.host = self.url.removeprefix("https://")
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def documents(self) -> dict:
        keys = [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "RS256", "use": "sig"}
                for kid, key in self.keys.items()]
        return {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
            "/keys": {"keys": keys},
        }

    def token(self, subject: str = "system:serviceaccount:shop:reader", *, key=None, kid: str = "first", **claims) -> str:
        now = int(time.time())
        payload = {"iss": self.url, "sub": subject, "aud": ["sts.amazonaws.com"], "iat": now, "exp": now + 600, **claims}
        return jwt.encode(payload, key or self.keys[kid], algorithm="RS256", headers={"kid": kid})

    def pod_token(self, namespace: str = "shop", account: str = "reader", pod: str = "reader-0", **claims) -> str:
        """A token as Kubernetes projects it into a pod for EKS Pod Identity."""
        bound = {"namespace": namespace, "serviceaccount": {"name": account, "uid": f"uid-of-{account}"},
                 "pod": {"name": pod, "uid": f"uid-of-{pod}"}}
        more = {"aud": ["pods.eks.amazonaws.com"], "kubernetes.io": bound, **claims}
        return self.token(f"system:serviceaccount:{namespace}:{account}", **more)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Endpoint:
    """The endpoint as its own process, started the way the bed starts it."""

    def __init__(self, folder: Path, ca: Path) -> None:
        self.folder, self.ca, self.port = folder, ca, free_port()
        self.url, self.log = f"http://127.0.0.1:{self.port}", folder / "endpoint.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "endpoint", "--port", str(self.port), "--state", str(self.folder / "state"),
             "--oidc-ca", str(self.ca), "--log", str(self.log)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CLOUD)}, cwd=self.folder)
        deadline = time.monotonic() + START_DEADLINE
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the endpoint did not start: {self.log.read_text() if self.log.exists() else 'no log'}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_endpoint/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self, *, kill: bool = False) -> float:
        """Stops the process; seconds that it took."""
        before = time.monotonic()
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(timeout=10)
        return time.monotonic() - before

    def client(self, service: str, key: str = "test", secret: str = "test", token: str | None = None, region: str = "us-east-1"):
        return boto3.client(
            service, endpoint_url=self.url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
            aws_session_token=token, config=Config(retries={"total_max_attempts": 1}))

    def as_session(self, service: str, credentials: dict):
        return self.client(service, credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1", "HOME": str(self.folder), **more}


def temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="ambit-cloud-")
