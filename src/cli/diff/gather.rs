//! Reading what is to be compared: objects of the cluster, roles of the cloud.

use std::collections::btree_map::Entry::Vacant;
use std::collections::{BTreeMap, HashMap};

use futures::StreamExt as _;
use kube::ResourceExt;

use super::compare::{Compared, Entry, Gathered, ServiceAccount, compared};
use super::{Arguments, NOT_LOOKED_AT, NotCompared, Report};
use crate::api::v1alpha1::{BindingTable, MachineIdentity};
use crate::cli::cluster::{Clouds, Objects, Reach, Stage, Trouble, failed, learned, near, own_account};
use crate::cloud::{Cloud, Depth};
use crate::domain::{Association, Observation};
use crate::names::{IdentityKey, InstallationId, PrincipalName};
use crate::plan::account::AccountSettings;
use crate::plan::{Declaration, Resolved, compile};
use crate::policy::Catalogue;

/// How many roles are read at once.
const AT_ONCE: usize = 8;

type Found = Result<MachineIdentity, NotCompared>;

/// Compares the identities that were asked for.
pub async fn report(
    arguments: &Arguments,
    namespace: &str,
    objects: &dyn Objects,
    clouds: &dyn Clouds,
    stage: &Stage,
) -> Result<Report, String> {
    stage.enter("reading the identities");
    let found = asked(arguments, namespace, objects).await?;
    let mut not_compared: Vec<NotCompared> = found.iter().filter_map(|one| one.as_ref().err().cloned()).collect();
    let identities: Vec<MachineIdentity> = found.into_iter().flatten().collect();
    let mut report = Report { identities: Vec::new(), not_compared: Vec::new(), not_looked_at: NOT_LOOKED_AT };
    if !identities.is_empty() {
        let installation = installation(arguments, objects, &identities).await?;
        let session = Session::open(&identities, installation, objects, clouds, stage).await;
        stage.enter(format!("reading {} at the cloud", crate::cli::report::number(identities.len(), "role")));
        let all = futures::stream::iter(identities).map(|identity| session.compare(identity));
        let all: Vec<Result<Compared, NotCompared>> = all.buffered(AT_ONCE).collect().await;
        for one in all {
            match one {
                Ok(compared) => report.identities.push(compared),
                Err(why) => not_compared.push(why),
            }
        }
    }
    report.not_compared = not_compared;
    Ok(report)
}

/// The identities that were asked for.
async fn asked(arguments: &Arguments, namespace: &str, objects: &dyn Objects) -> Result<Vec<Found>, String> {
    if arguments.all {
        let place = (!arguments.all_namespaces).then_some(namespace);
        let all = objects.identities(place).await.map_err(|trouble| trouble.message)?;
        return Ok(all.into_iter().map(Ok).collect());
    }
    let mut found = Vec::new();
    for name in &arguments.names {
        let key = match name.split_once('/') {
            Some((namespace, name)) => IdentityKey::new(namespace, name),
            None => IdentityKey::new(namespace, name),
        };
        // What cannot be a name is not asked for: it would be another question.
        let could_be =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        if !could_be(&key.namespace) || !could_be(&key.name) {
            return Err(format!("`{name}` is no name of an identity: it must look like `orders` or `shop/orders`"));
        }
        found.push(match objects.identity(&key).await {
            Ok(Some(identity)) => Ok(identity),
            Ok(None) => Err(missing(&key, objects).await),
            // Whoever may not read this one, or reaches no cluster, gets the same answer for all.
            Err(trouble) => return Err(trouble.message),
        });
    }
    Ok(found)
}

/// There is no such identity: which ones are near?
async fn missing(key: &IdentityKey, objects: &dyn Objects) -> NotCompared {
    let all = objects.identities(Some(&key.namespace)).await.unwrap_or_default();
    let names: Vec<String> = all.iter().map(ResourceExt::name_any).collect();
    let near = near(&key.name, &names);
    let why = format!("namespace `{}` has no MachineIdentity `{}`: {near}", key.namespace, key.name);
    NotCompared { identity: key.to_string(), why }
}

async fn installation(
    arguments: &Arguments,
    objects: &dyn Objects,
    identities: &[MachineIdentity],
) -> Result<InstallationId, String> {
    if let Some(installation) = &arguments.asking.installation {
        return Ok(installation.clone());
    }
    match learned(identities) {
        Ok(installation) => Ok(installation),
        // Another identity of the namespace may have a role already.
        Err(unknown) => {
            let namespace = identities.first().and_then(ResourceExt::namespace).unwrap_or_default();
            let others = objects.identities(Some(&namespace)).await.unwrap_or_default();
            learned(&others).map_err(|_| unknown)
        }
    }
}

/// An account within reach, or why it is not.
type Connected = Result<(AccountSettings, Reach), String>;

/// What is read once for all identities.
struct Session<'a> {
    installation: InstallationId,
    objects: &'a dyn Objects,
    accounts: HashMap<String, Connected>,
    tables: BTreeMap<String, Result<Option<BindingTable>, Trouble>>,
}

impl<'a> Session<'a> {
    async fn open(
        identities: &[MachineIdentity],
        installation: InstallationId,
        objects: &'a dyn Objects,
        clouds: &dyn Clouds,
        stage: &Stage,
    ) -> Self {
        let (mut accounts, mut tables) = (HashMap::new(), BTreeMap::new());
        for identity in identities {
            let name = &identity.spec.account_ref.name;
            if !accounts.contains_key(name) {
                stage.enter(format!("reaching account `{name}`"));
                accounts.insert(name.clone(), connected(name, &installation, objects, clouds).await);
            }
            let namespace = identity.namespace().unwrap_or_default();
            if let Vacant(place) = tables.entry(namespace) {
                let table = objects.table(place.key()).await;
                place.insert(table);
            }
        }
        Self { installation, objects, accounts, tables }
    }

    async fn compare(&self, identity: MachineIdentity) -> Result<Compared, NotCompared> {
        let key = IdentityKey::new(identity.namespace().unwrap_or_default(), identity.name_any());
        let problem = |why: String| NotCompared { identity: key.to_string(), why };
        let account = identity.spec.account_ref.name.clone();
        let connected = self.accounts.get(&account).ok_or_else(|| problem("its account was not read".to_owned()))?;
        let (settings, reach) = connected.as_ref().map_err(|why| problem(why.clone()))?;
        let declaration = Declaration { identity: &identity, key: &key };
        let resolved = compile(declaration, settings.clone(), &self.installation, Catalogue::embedded());
        let resolved = resolved.map_err(|refusal| {
            let verdict = refusal.verdict;
            problem(format!("it asks for what cannot be: {}: {}", verdict.reason.name(), verdict.message))
        })?;
        let name: &PrincipalName = &resolved.desired.name;
        let live = reach.cloud.observe(name, Depth::Full).await.map_err(|error| problem(failed(&error)))?;
        let mut not_looked_at = Vec::new();
        let (service_account, entry) = match resolved.delivery() {
            Some(delivery) => self.binding(&key.namespace, &delivery.service_account, &mut not_looked_at).await,
            None => (ServiceAccount::NotRead, Entry::NotRead),
        };
        let association = association(reach.cloud.as_ref(), &resolved, &mut not_looked_at).await;
        Ok(compared(&Gathered {
            key,
            identity,
            account,
            resolved,
            live,
            service_account,
            entry,
            association,
            not_looked_at,
        }))
    }
}

impl Session<'_> {
    /// A service account, and its entry in the table; what cannot be read is noted.
    async fn binding(
        &self,
        namespace: &str,
        account: &str,
        not_looked_at: &mut Vec<String>,
    ) -> (ServiceAccount, Entry) {
        let annotated = match self.objects.annotations(namespace, account).await {
            Ok(None) => ServiceAccount::Absent,
            Ok(Some(annotations)) => ServiceAccount::There(annotations),
            Err(trouble) => {
                not_looked_at.push(format!("the service account: {}", trouble.message));
                ServiceAccount::NotRead
            }
        };
        let entry = match self.tables.get(namespace) {
            Some(Ok(table)) => entry(table.as_ref(), account),
            Some(Err(trouble)) => {
                not_looked_at.push(format!("the BindingTable: {}", trouble.message));
                Entry::NotRead
            }
            None => Entry::NotRead,
        };
        (annotated, entry)
    }
}

/// What hands the role to pods, where EKS does; nothing if that could not be read.
async fn association(
    cloud: &dyn Cloud,
    resolved: &Resolved,
    not_looked_at: &mut Vec<String>,
) -> Option<Observation<Association>> {
    let handed_to = resolved.delivery()?.handed_to()?;
    match cloud.observe_association(&handed_to.pods).await {
        Ok(found) => Some(found),
        Err(error) => {
            not_looked_at.push(format!("the association: {}", failed(&error)));
            None
        }
    }
}

fn entry(table: Option<&BindingTable>, service_account: &str) -> Entry {
    let found = table.and_then(|table| table.spec.service_accounts.get(service_account));
    found.map_or(Entry::Absent, |binding| Entry::There(binding.clone()))
}

/// Reads an account's settings, connects, and makes sure that it is the right one.
async fn connected(name: &str, installation: &InstallationId, objects: &dyn Objects, clouds: &dyn Clouds) -> Connected {
    let account = objects.account(name).await.map_err(|trouble| trouble.message)?;
    let Some(account) = account else {
        return Err(format!("`spec.accountRef` names CloudAccount `{name}`, and there is none of that name"));
    };
    let settings = AccountSettings::parse(&account.spec, installation)
        .map_err(|error| format!("CloudAccount `{name}` cannot be used: {error}"))?;
    let reach = clouds.connect(&settings, installation).await;
    own_account(reach.cloud.as_ref(), name, &settings).await?;
    Ok((settings, reach))
}
