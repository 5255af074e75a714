//! The clouds, behind one port in Ambit's own words.
//!
//! Imports `domain`, `names` and `policy`; never `api`, `plan` or kube. What a
//! provider calls its things stays inside that provider's folder.
//!
//! The rate limit and the observer sit inside each adapter, at the one place
//! that all its calls pass through, because only there is a call a call: one
//! question of the port may need several.

pub mod aws;
mod error;
mod events;
mod faulty;
mod memory;
mod observer;
mod port;
mod throttle;

pub use error::{CloudError, ErrorKind};
pub use events::{EventQueue, FaultyQueue, MOST_AT_ONCE, Message, Receipt, Record};
pub use faulty::{Fault, FaultPlan, Faulty};
pub use memory::{CANARY, MemoryAssociation, MemoryCloud, MemoryKey, MemoryQueue, MemoryRole, MemoryUser};
pub use observer::{CallObserver, Unobserved};
pub use port::{AssociationPage, Cloud, Depth, Page, PageToken};
pub use throttle::RateLimit;
