"""Sessions of roles that the endpoint itself opens, and the role that an ARN names."""

import time
from dataclasses import dataclass, field

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import iam, sts


@dataclass
class Session:
    """What a caller gets of a session that was opened for it."""

    key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    arn: str
    user_id: str
    expiration: float


def role_of(arn: str) -> dict | None:
    """The role with exactly this ARN; its path counts."""
    try:
        account = parse_arn(arn).account_id
    except ArnParseError:
        return None
    role = iam._roles.get_scoped(account, None, arn.rsplit("/", 1)[-1])
    return role if role is not None and role["Arn"] == arn else None


def open_session(role: dict, name: str, seconds: int, tags: dict[str, str] | None = None, policies: dict | None = None) -> Session:
    """A new session of a role. `policies` are session policies: they limit it, they grant nothing."""
    now, account = time.time(), role["Arn"].split(":")[4]
    session = Session(
        key=iam._gen_session_access_key(), secret=iam._gen_secret(), token=iam._gen_session_token(),
        arn=f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{name}", user_id=f"{role['RoleId']}:{name}", expiration=now + seconds,
    )
    sts.register_session(session.key, {
        "Arn": session.arn, "UserId": session.user_id, "SecretAccessKey": session.secret, "SessionToken": session.token,
        "PrincipalType": "AssumedRole", "Expiration": session.expiration, "AccountId": account, "IssuedAt": now,
        "SessionTags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        "SessionPolicies": policies if policies and any(policies.values()) else None,
    })
    return session


def close(session: Session) -> None:
    """Ends a session at once."""
    sts._sessions.pop(session.key, None)
