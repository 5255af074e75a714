//! The words that the planner and the clouds share.
//!
//! What an identity's principal should be, what it is, and the single steps
//! from one to the other. Nothing here knows a client, a cluster or a clock;
//! documents are opaque except for their meaning.
//!
//! Imports `names` and `policy` only.

mod access_key;
pub mod annotation;
mod association;
mod change_event;
mod credentials;
mod echo;
mod observed;
mod proof;
mod provider;
mod secret;
mod step;
mod swept;
mod usage;

pub use access_key::{AccessKey, BadSecret, KeyStep, LastUse, NewAccessKey};
pub use association::{Association, AssociationStep, Cluster, Listed, PodsOf};
pub use change_event::{ChangeEvent, Target};
pub use credentials::Credentials;
pub use echo::repeats;
pub use observed::{Denial, Observation, Observed, OwnerTags, Reading};
pub use proof::WebToken;
pub use provider::{Provider, ProviderStep};
pub use secret::{SecretData, SecretSeen, SecretVersion, SecretWrite};
pub use step::{Birth, Desired, SessionSeconds, Step, StepDone};
pub use swept::{OwnPolicies, Raw, Swept, reading};
pub use usage::Usage;
