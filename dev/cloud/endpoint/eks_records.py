"""Clusters of EKS and their pod identity associations, as the endpoint keeps them.

`endpoint.store` puts tables that record their changes in the place of these. A cluster's issuer
of tokens is told by one of its tags: on AWS, EKS itself makes it.
"""

from ministack.core.responses import AccountScopedDict, get_account_id

clusters = AccountScopedDict()
associations = AccountScopedDict()
association_ids = AccountScopedDict()  # by cluster, namespace and service account

ISSUER_TAG = "endpoint/issuer"


def cluster_arn(region: str, name: str) -> str:
    return f"arn:aws:eks:{region}:{get_account_id()}:cluster/{name}"


def association_arn(region: str, cluster: str, association_id: str) -> str:
    return f"arn:aws:eks:{region}:{get_account_id()}:podidentityassociation/{cluster}/{association_id}"


def cluster(region: str, name: str) -> dict | None:
    return clusters.get(f"{region}/{name}")


def association(region: str, cluster_name: str, association_id: str) -> dict | None:
    return associations.get(f"{region}/{cluster_name}/{association_id}")


def association_for(region: str, cluster_name: str, namespace: str, service_account: str) -> dict | None:
    """The one association that a service account of a cluster may have."""
    found = association_ids.get(f"{region}/{cluster_name}/{namespace}/{service_account}")
    return association(region, cluster_name, found) if found else None


def associations_of(region: str, cluster_name: str) -> list[dict]:
    prefix = f"{region}/{cluster_name}/"
    return [record for key, record in associations.items() if key.startswith(prefix)]


def _keys(region: str, record: dict) -> tuple[str, str]:
    start = f"{region}/{record['clusterName']}"
    return f"{start}/{record['associationId']}", f"{start}/{record['namespace']}/{record['serviceAccount']}"


def add(region: str, record: dict) -> None:
    by_id, by_account = _keys(region, record)
    associations[by_id] = record
    association_ids[by_account] = record["associationId"]


def remove(region: str, record: dict) -> None:
    by_id, by_account = _keys(region, record)
    del associations[by_id]
    del association_ids[by_account]


def with_arn(arn: str) -> dict | None:
    """The cluster or association with this ARN."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[:3] != ["arn", "aws", "eks"] or parts[4] != get_account_id():
        return None
    kind, _, rest = parts[5].partition("/")
    if kind == "cluster":
        return cluster(parts[3], rest)
    return associations.get(f"{parts[3]}/{rest}") if kind == "podidentityassociation" else None
