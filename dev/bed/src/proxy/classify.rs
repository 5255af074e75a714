//! What a call to the cloud is: service, action and who signed it.

use hyper::HeaderMap;

/// One call, as far as its wire form tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Service and action, as `iam:CreateRole`; where a service speaks REST, its method.
    pub(crate) action: String,
    /// The access key that signed it; nothing for an unsigned call.
    pub(crate) key: Option<String>,
}

/// Reads what a call is from its credential scope, its target header, or its form.
pub(crate) fn classify(method: &str, query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Call {
    let scope = headers.get("authorization").and_then(|value| value.to_str().ok()).and_then(credential_scope);
    let form = form_action(body).or_else(|| query.and_then(|query| form_action(query.as_bytes())));
    let target =
        headers.get("x-amz-target").and_then(|value| value.to_str().ok()).and_then(|target| target.rsplit('.').next());
    // The only form calls that may come unsigned are those of STS.
    let service = scope.map_or(if form.is_some() { "sts" } else { "unsigned" }, |(_, service)| service);
    let action = target.or(form).unwrap_or(method);
    Call { action: format!("{service}:{action}"), key: scope.map(|(key, _)| key.to_owned()) }
}

/// Access key and service of `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
fn credential_scope(header: &str) -> Option<(&str, &str)> {
    let scope = header.split_once("Credential=")?.1.split([',', ' ']).next()?;
    let mut parts = scope.split('/');
    let key = parts.next()?;
    let service = parts.nth(2)?;
    (!key.is_empty() && !service.is_empty()).then_some((key, service))
}

/// The value of the form's field `Action`, which is plain letters in every known API.
fn form_action(form: &[u8]) -> Option<&str> {
    form.split(|&byte| byte == b'&')
        .find_map(|field| field.strip_prefix(b"Action="))
        .filter(|value| !value.is_empty() && value.iter().all(u8::is_ascii_alphanumeric))
        .and_then(|value| std::str::from_utf8(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(service: &str) -> HeaderMap {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261121/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
        );
        HeaderMap::from_iter([("authorization".parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn a_signed_form_names_its_service_action_and_key() {
        let body = b"Version=2010-05-08&Action=CreateRole&RoleName=Action%3DDeleteRole";
        let call = classify("POST", None, &signed("iam"), body);
        assert_eq!(call, Call { action: "iam:CreateRole".into(), key: Some("AKIA1".into()) });
    }

    #[test]
    fn an_unsigned_form_is_a_call_to_sts() {
        let call = classify("POST", None, &HeaderMap::new(), b"Action=AssumeRoleWithWebIdentity&RoleArn=x");
        assert_eq!(call, Call { action: "sts:AssumeRoleWithWebIdentity".into(), key: None });
    }

    #[test]
    fn an_action_in_the_query_counts_too() {
        let call = classify("GET", Some("Action=GetCallerIdentity&Version=2011-06-15"), &signed("sts"), b"");
        assert_eq!(call.action, "sts:GetCallerIdentity");
    }

    #[test]
    fn json_and_rest_services_are_told_by_target_or_method() {
        let mut headers = signed("sqs");
        headers.insert("x-amz-target", "AmazonSQS.SendMessage".parse().unwrap());
        assert_eq!(classify("POST", None, &headers, b"{}").action, "sqs:SendMessage");
        assert_eq!(classify("GET", None, &signed("s3"), b"").action, "s3:GET");
        assert_eq!(classify("GET", None, &HeaderMap::new(), b"").action, "unsigned:GET");
    }

    #[test]
    fn text_that_is_no_action_makes_no_key_in_the_counts() {
        assert_eq!(form_action(b"Action="), None);
        assert_eq!(form_action(b"Action=%3Cx%3E"), None);
        assert_eq!(form_action(b"XAction=CreateRole"), None);
    }
}
