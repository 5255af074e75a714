"""When, for which service and in which region each access key was last used, as GetAccessKeyLastUsed tells it.

A call counts once its signature is found good, whether or not it is allowed. What is written of it
survives a killed process, at most once a second for each key.
"""

import functools
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator as evaluator
from ministack.services import iam

from endpoint import iam_rules, replies
from endpoint.replies import Reply, tag
from endpoint.request import signed_scope
from endpoint.store import Store


def _note(store: Store, credential: evaluator.ResolvedCredential) -> None:
    region, service = signed_scope.get()
    key = iam._access_keys.get_scoped(credential.account_id, None, credential.access_key_id)
    used = {"Date": iam._now(), "Service": service, "Region": region}
    if key is None or key.get("LastUsed") == used:
        return
    key["LastUsed"] = used
    store.write("access_keys", credential.account_id, credential.access_key_id, key)


def install(store: Store) -> None:
    """Notes each use of a user's key where its signature is checked."""
    original = evaluator.authenticate

    @functools.wraps(original)
    def authenticate(access_key_id, account_id):
        credential = original(access_key_id, account_id)
        if isinstance(credential, evaluator.ResolvedCredential) and credential.principal_type == "User":
            _note(store, credential)
        return credential

    evaluator.authenticate = authenticate


def last_used(form: dict) -> Reply:
    """GetAccessKeyLastUsed."""
    key = iam._access_keys.get(form.get("AccessKeyId", ""))
    if key is None:
        return iam_rules.error(404, "NoSuchEntity", f"The Access Key with id {form.get('AccessKeyId', '')} cannot be found.")
    used = key.get("LastUsed") or {"Date": "", "Service": "N/A", "Region": "N/A"}
    told = tag("LastUsedDate", used["Date"]) + tag("ServiceName", used["Service"]) + tag("Region", used["Region"])
    return replies.ok("iam", "GetAccessKeyLastUsed", f"<UserName>{escape(key['UserName'])}</UserName><AccessKeyLastUsed>{told}</AccessKeyLastUsed>")
