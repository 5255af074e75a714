//! Names as AWS has them.

use super::name;

/// Whether a text is the number of an account.
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

name!(
    /// An AWS account: twelve digits.
    AccountId,
    "an account id",
    "have exactly 12 digits",
    is_account_id
);

name!(
    /// The id of an access key. It is no secret.
    AccessKeyId,
    "the id of an access key",
    "have 16 to 128 letters, digits and `_`",
    |text| (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
);

name!(
    /// A partition of AWS, such as `aws` or `aws-cn`.
    Partition,
    "an AWS partition",
    "be `aws` or `aws-` followed by lower-case letters and hyphens",
    |text| text == "aws"
        || text.strip_prefix("aws-").is_some_and(|rest| {
            (1..=20).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        })
);

name!(
    /// A region, such as `eu-west-1`.
    Region,
    "an AWS region",
    "look like `eu-west-1`",
    |text| (5..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);

name!(
    /// The path of roles, with a slash at both ends.
    RolePath,
    "a role path",
    "begin and end with `/` and have at most 512 characters of letters, digits and `_+=,.@-/`",
    |text| text.len() <= 512
        && text.starts_with('/')
        && text.ends_with('/')
        && !text.contains("//")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b))
);

impl RolePath {
    /// The path one level below this one.
    pub fn join(&self, segment: &super::InstallationId) -> Result<Self, super::NameError> {
        Self::parse(&format!("{self}{segment}/"))
    }
}

name!(
    /// The ARN of a managed policy used as permissions boundary.
    BoundaryArn,
    "the ARN of a permissions boundary",
    "look like `arn:aws:iam::123456789012:policy/NAME`",
    |text| super::Arn::parse(text).is_ok_and(|arn| arn.service() == "iam"
        && arn.resource().starts_with("policy/"))
);

name!(
    /// The URL of an OIDC issuer, without a slash at its end.
    IssuerUrl,
    "the URL of an OIDC issuer",
    "begin with `https://`, have no query, fragment or slash at its end, and at most 255 characters",
    |text| text.len() <= 255
        && text.strip_prefix("https://").is_some_and(|host| !host.is_empty())
        && !text.ends_with('/')
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"?#*$\"'\\{}".contains(&b))
);

impl IssuerUrl {
    /// The issuer without its scheme: how IAM names the provider and its condition keys.
    #[must_use]
    pub fn host_and_path(&self) -> &str {
        self.as_str().trim_start_matches("https://")
    }
}

name!(
    /// The URL of a queue of SQS. The region, the account and the queue's name stand in it.
    QueueUrl,
    "the URL of a queue",
    "look like `https://sqs.eu-west-1.amazonaws.com/123456789012/NAME`",
    |text| text.len() <= 256 && queue_parts(text).is_some()
);

/// Region, account and name of a queue.
fn queue_parts(url: &str) -> Option<[&str; 3]> {
    let (host, path) = url.strip_prefix("https://sqs.")?.split_once('/')?;
    let (region, suffix) = host.split_once('.')?;
    let (account, name) = path.split_once('/')?;
    let plain = name.strip_suffix(".fifo").unwrap_or(name);
    let is_host = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
    };
    let is_name = (1..=80).contains(&name.len())
        && !plain.is_empty()
        && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (Region::parse(region).is_ok() && is_host(suffix) && is_account_id(account) && is_name)
        .then_some([region, account, name])
}

impl QueueUrl {
    /// The region whose endpoint serves the queue. It need not be the account's own: what
    /// happens to IAM is told in one region of each partition.
    #[must_use]
    pub fn region(&self) -> &str {
        let [region, ..] = self.parts();
        region
    }

    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self, partition: &Partition) -> String {
        let [region, account, name] = self.parts();
        format!("arn:{partition}:sqs:{region}:{account}:{name}")
    }

    /// Region, account and name.
    fn parts(&self) -> [&str; 3] {
        // Checked when the URL was read.
        queue_parts(self.as_str()).unwrap_or_default()
    }
}

name!(
    /// The name of a cluster of EKS.
    ClusterName,
    "the name of an EKS cluster",
    "begin with a letter or digit and have at most 100 characters of letters, digits, `-` and `_`",
    |text| (1..=100).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
);

name!(
    /// The ARN of a cluster of EKS. Region and account stand in it, so clusters of one name differ.
    ClusterArn,
    "the ARN of an EKS cluster",
    "look like `arn:aws:eks:eu-west-1:123456789012:cluster/NAME`",
    |text| super::Arn::parse(text).is_ok_and(|arn| arn.service() == "eks"
        && Partition::parse(arn.partition()).is_ok()
        && Region::parse(arn.region()).is_ok()
        && is_account_id(arn.account())
        && arn.resource().strip_prefix("cluster/").is_some_and(|name| ClusterName::parse(name).is_ok()))
);

impl ClusterArn {
    /// The ARN of a cluster in an account.
    #[must_use]
    pub fn of(partition: &Partition, region: &Region, account: &AccountId, name: &ClusterName) -> Self {
        Self(format!("arn:{partition}:eks:{region}:{account}:cluster/{name}"))
    }

    /// What stands between two colons, and the name behind the last.
    fn part(&self, index: usize) -> &str {
        self.as_str().split(':').nth(index).unwrap_or_default()
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.part(5).strip_prefix("cluster/").unwrap_or_default()
    }

    /// The account that it lies in.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// The ARNs of all its pod identity associations.
    #[must_use]
    pub fn associations(&self) -> String {
        let [partition, region, account] = [1, 3, 4].map(|index| self.part(index));
        format!("arn:{partition}:eks:{region}:{account}:podidentityassociation/{}/*", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_a_name_and_a_place() {
        let name = ClusterName::parse("prod-eu_1").unwrap();
        let (aws, region) = (Partition::parse("aws").unwrap(), Region::parse("eu-west-1").unwrap());
        let arn = ClusterArn::of(&aws, &region, &AccountId::parse("123456789012").unwrap(), &name);
        assert_eq!(arn.as_str(), "arn:aws:eks:eu-west-1:123456789012:cluster/prod-eu_1");
        assert_eq!((arn.name(), arn.account()), ("prod-eu_1", "123456789012"));
        assert_eq!(arn.associations(), "arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod-eu_1/*");
        assert_eq!(ClusterArn::parse(arn.as_str()), Ok(arn));
        for wrong in ["", "-prod", "_prod", "prod.eu", "prod/eu", "prod*", "prod eu", "ürod", &"x".repeat(101)] {
            assert!(ClusterName::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            "arn:aws:eks:eu-west-1:123456789012:cluster/",
            "arn:aws:eks:eu-west-1:123456789012:cluster/*",
            "arn:aws:eks::123456789012:cluster/prod",
            "arn:aws:eks:eu-west-1::cluster/prod",
            "arn:aws:eks:eu-west-1:123456789012:nodegroup/prod",
            "arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
            "arn:${x}:eks:eu-west-1:123456789012:cluster/prod",
            "prod",
        ] {
            assert!(ClusterArn::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_id_has_twelve_digits() {
        assert!(AccountId::parse("123456789012").is_ok());
        for wrong in ["", "12345678901", "1234567890123", "12345678901x", "１23456789012"] {
            let error = AccountId::parse(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("`{wrong}` is not an account id: it must have exactly 12 digits"));
        }
    }

    #[test]
    fn an_access_key_id_is_one_word() {
        assert!(AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").is_ok());
        for wrong in ["", "AKIA", "AKIAIOSFODNN7 EXAMPLE", "AKIAIOSFODNN7EXAMPL\n", &"A".repeat(129)] {
            assert!(AccessKeyId::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_role_path_has_a_slash_at_both_ends() {
        assert!(RolePath::parse("/").is_ok());
        assert!(RolePath::parse("/ambit/").is_ok());
        for wrong in ["", "ambit/", "/ambit", "/a//b/", "/ä/", "/a*/"] {
            assert!(RolePath::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_issuer_is_https_and_literal() {
        let issuer = IssuerUrl::parse("https://oidc.example.com/id/ABC").unwrap();
        assert_eq!(issuer.host_and_path(), "oidc.example.com/id/ABC");
        for wrong in ["http://a.example", "https://", "https://a/", "https://a?b", "https://a/*", "https://a/${x}"] {
            assert!(IssuerUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_queue_has_region_account_and_name() {
        let queue = QueueUrl::parse("https://sqs.us-east-1.amazonaws.com/123456789012/ambit-events").unwrap();
        assert_eq!(queue.region(), "us-east-1");
        let aws = Partition::parse("aws").unwrap();
        assert_eq!(queue.arn(&aws), "arn:aws:sqs:us-east-1:123456789012:ambit-events");
        assert!(QueueUrl::parse("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q.fifo").is_ok());
        for wrong in [
            "http://sqs.us-east-1.amazonaws.com/123456789012/q",
            "https://sqs.us-east-1.amazonaws.com/123456789012/",
            "https://sqs.us-east-1.amazonaws.com/123456789012/.fifo",
            "https://sqs.us-east-1.amazonaws.com/1/q",
            "https://sqs.us-east-1.amazonaws.com/123456789012/q/r",
            "https://sqs.us-east-1.amazonaws.com/123456789012/q?x",
            "https://sqs.us-east-1/123456789012/q",
            "https://evil.example/123456789012/q",
            "https://sqs.us-east-1.amazonaws.com@evil.example/123456789012/q",
        ] {
            assert_eq!(
                QueueUrl::parse(wrong).unwrap_err().to_string(),
                format!(
                    "`{wrong}` is not the URL of a queue: it must look like `https://sqs.eu-west-1.amazonaws.com/123456789012/NAME`"
                ),
            );
        }
    }

    #[test]
    fn a_boundary_is_a_managed_policy() {
        assert!(BoundaryArn::parse("arn:aws:iam::123456789012:policy/ambit-boundary").is_ok());
        assert!(BoundaryArn::parse("arn:aws:iam::aws:policy/ReadOnlyAccess").is_ok());
        assert!(BoundaryArn::parse("arn:aws:iam::123456789012:role/x").is_err());
    }
}
