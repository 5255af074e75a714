//! Keys, tokens and kubeconfigs of a bed. They stay the same for its whole life.

use std::fmt::Write as _;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::error::{BedError, Result};
use crate::layout::Layout;
use crate::state::{State, write_private};

/// The audit log holds the operator's writes and nothing else: they are what
/// the benchmarks count.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: [\"system:serviceaccount:ambit-system:ambit\"]
  verbs: [create, update, patch, delete, deletecollection]
- level: None
";

/// Writes what the API server reads at its start.
pub(crate) fn write(layout: &Layout, state: &State) -> Result<()> {
    write_private(layout, "pki/sa.key", service_account_key()?.as_bytes())?;
    let tokens = format!("{},admin,admin,system:masters\n", state.admin_token);
    write_private(layout, "pki/tokens.csv", tokens.as_bytes())?;
    write_private(layout, "audit-policy.yaml", AUDIT_POLICY.as_bytes())?;
    write_kubeconfig(layout, state, "kubeconfig", "admin", &state.admin_token)
}

/// Writes a kubeconfig with one user and its token.
pub(crate) fn write_kubeconfig(layout: &Layout, state: &State, file: &str, user: &str, token: &str) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bed",
        "clusters": [{"name": "bed", "cluster": {
            "server": state.issuer(),
            "certificate-authority": layout.api_certificate(),
        }}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": user, "namespace": "default"}}],
    });
    write_private(layout, file, config.to_string().as_bytes())
}

/// A token that nobody can guess.
pub(crate) fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 24];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| BedError::Key)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn service_account_key() -> Result<String> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| BedError::Key)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| BedError::Key)?;
    Ok(pem(&STANDARD.encode(der.as_ref())))
}

fn pem(base64: &str) -> String {
    let mut text = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = base64;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_lines_are_64_characters_and_lose_nothing() {
        let body = "a".repeat(130);
        let text = pem(&body);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1..4].concat(), body);
        assert_eq!(lines[1].len(), 64);
    }

    #[test]
    fn tokens_are_long_and_differ() {
        let (one, two) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(one.len(), 48);
        assert_ne!(one, two);
    }
}
