"""OIDC providers: the calls that ministack lacks, and those it answers differently from AWS."""

from collections.abc import Callable
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id
from ministack.services import iam

from endpoint import replies
from endpoint.iam_map import issuer_host, numbered, tags_of
from endpoint.iam_rules import CLIENT_IDS, TAGS, error, limit
from endpoint.replies import Reply, members, tag, tags

Change = Callable[[dict, dict], Reply | None]


def create(form: dict) -> Reply:
    host = issuer_host(form["Url"])
    arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{host}"
    if arn in iam._oidc_providers:
        return error(409, "EntityAlreadyExists", f"Provider with url https://{host} already exists.")
    iam._oidc_providers[arn] = {
        "Url": host, "Arn": arn, "CreateDate": iam._now(), "Tags": tags_of(form),
        "ClientIDList": list(dict.fromkeys(numbered(form, "ClientIDList"))),
        "ThumbprintList": numbered(form, "ThumbprintList"),
    }
    result = tag("OpenIDConnectProviderArn", arn) + (tags(tags_of(form)) if tags_of(form) else "")
    return replies.ok("iam", "CreateOpenIDConnectProvider", result)


def _not_found(form: dict) -> Reply:
    return error(404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {form.get('OpenIDConnectProviderArn', '')}")


def get(form: dict) -> Reply:
    provider = iam._oidc_providers.get(form.get("OpenIDConnectProviderArn", ""))
    if provider is None:
        return _not_found(form)
    return replies.ok("iam", "GetOpenIDConnectProvider", "".join([
        tag("Url", provider["Url"]), members("ClientIDList", map(escape, provider["ClientIDList"])),
        members("ThumbprintList", provider["ThumbprintList"]), tag("CreateDate", provider["CreateDate"]), tags(provider["Tags"]),
    ]))


def listing(form: dict) -> Reply:
    return replies.ok("iam", "ListOpenIDConnectProviders", members(
        "OpenIDConnectProviderList", (tag("Arn", arn) for arn in sorted(iam._oidc_providers))))


def delete(form: dict) -> Reply:
    """Deleting one that is gone already is refused, as AWS refuses it."""
    if iam._oidc_providers.pop(form.get("OpenIDConnectProviderArn", ""), None) is None:
        return _not_found(form)
    return replies.ok("iam", "DeleteOpenIDConnectProvider")


def _changing(action: str, change: Change):
    def handler(form: dict) -> Reply:
        provider = iam._oidc_providers.get(form.get("OpenIDConnectProviderArn", ""))
        if provider is None:
            return _not_found(form)
        return change(provider, form) or replies.ok("iam", action)
    return handler


def _set_thumbprints(provider: dict, form: dict) -> None:
    provider["ThumbprintList"] = numbered(form, "ThumbprintList")


def _add_client(provider: dict, form: dict) -> Reply | None:
    client = form.get("ClientID", "")
    if client not in provider["ClientIDList"]:
        if len(provider["ClientIDList"]) >= CLIENT_IDS:
            return limit("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS)
        provider["ClientIDList"].append(client)
    return None


def _remove_client(provider: dict, form: dict) -> None:
    provider["ClientIDList"] = [client for client in provider["ClientIDList"] if client != form.get("ClientID", "")]


def _add_tags(provider: dict, form: dict) -> Reply | None:
    merged = {t["Key"].lower(): t for t in [*provider["Tags"], *tags_of(form)]}
    if len(merged) > TAGS:
        return limit("TagsPerOpenIdConnectProvider", TAGS)
    provider["Tags"] = list(merged.values())
    return None


def _remove_tags(provider: dict, form: dict) -> None:
    gone = {key.lower() for key in numbered(form, "TagKeys")}
    provider["Tags"] = [t for t in provider["Tags"] if t["Key"].lower() not in gone]


_CHANGES: dict[str, Change] = {
    "UpdateOpenIDConnectProviderThumbprint": _set_thumbprints,
    "AddClientIDToOpenIDConnectProvider": _add_client,
    "RemoveClientIDFromOpenIDConnectProvider": _remove_client,
    "TagOpenIDConnectProvider": _add_tags,
    "UntagOpenIDConnectProvider": _remove_tags,
}

HANDLERS = {
    "CreateOpenIDConnectProvider": create,
    "GetOpenIDConnectProvider": get,
    "ListOpenIDConnectProviders": listing,
    "DeleteOpenIDConnectProvider": delete,
    **{action: _changing(action, change) for action, change in _CHANGES.items()},
}
