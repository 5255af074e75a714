//! Objects that several tests judge.

/// What a cluster has: an account and a policy for all namespaces, and a namespace.
pub const CLUSTER: &str = "\
apiVersion: ambit.dev/v1alpha1
kind: CloudAccount
metadata: {name: prod}
spec:
  aws:
    accountId: '123456789012'
    region: eu-west-1
    permissionsBoundaryArn: arn:aws:iam::123456789012:policy/ambit-boundary
    federation: {webIdentity: {issuer: 'https://oidc.example.com/prod-eu'}}
  namespaceSelector: {}
---
apiVersion: ambit.dev/v1alpha1
kind: ScopePolicy
metadata: {name: all}
spec:
  namespaceSelector: {}
  allow: [{name: data, actions: ['s3:*', 'sqs:*'], resources: ['arn:aws:s3:::*', 'arn:aws:sqs:*:*:*']}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
";

/// An identity that reads a bucket.
pub const ORDERS: &str = "\
apiVersion: ambit.dev/v1alpha1
kind: MachineIdentity
metadata:
  name: orders
  namespace: shop
spec:
  accountRef: {name: prod}
  subject: {serviceAccount: {name: orders}}
  sessionDuration: 2h
  scopes:
    - name: inbox
      actions: ['s3:GetObject']
      resources: ['arn:aws:s3:::orders-in/*']
";

/// Something that is not Ambit's.
pub const OTHER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
