//! What an identity would be if it were accepted: its cloud documents, whatever
//! the guardrails say.

use super::world::{Declared, World};
use crate::names::InstallationId;
use crate::plan::account::AccountSettings;
use crate::plan::{Declaration, Fault, Reason, Resolved, compile};
use crate::policy::Catalogue;

/// Compiles an identity in the account that it names.
pub fn compiled(
    world: &World,
    declared: &Declared,
    installation: &InstallationId,
    catalogue: &Catalogue,
) -> Result<Resolved, Vec<Fault>> {
    let name = &declared.identity.spec.account_ref.name;
    let fault = |message| {
        let field = "spec.accountRef.name".to_owned();
        vec![Fault { reason: Reason::AccountNotFound, field, message }]
    };
    let account = world.account(name).ok_or_else(|| {
        fault(format!(
            "the files hold no CloudAccount '{name}': add the file that does with `-f`, or with `--with` if it is only to be looked at"
        ))
    })?;
    let settings = AccountSettings::parse(&account.spec, installation)
        .map_err(|error| fault(format!("CloudAccount '{name}' cannot be used: {error}")))?;
    let declaration = Declaration { identity: &declared.identity, key: &declared.key };
    compile(declaration, settings, installation, catalogue).map_err(|refusal| refusal.faults)
}
