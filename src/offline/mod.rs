//! The same answers without a cluster: what files declare, judged as the API
//! server and the operator would judge it.
//!
//! ```text
//! texts ── manifest ──▶ Manifest ── world ──▶ World ── judge ──▶ Judged
//!          (schema, CEL, places)    (what stands beside what)      │
//!                                          two worlds ── change ──▶ Change
//! ```
//!
//! Pure: texts come in as arguments, with the names of their files. Which files
//! there are, and how answers are printed, is the business of `cli`.

pub mod cases;
pub mod change;
mod code;
mod compiled;
mod finding;
mod lint;
pub mod manifest;
mod reason;
mod ungrounded;
mod validate;
mod world;

pub use code::{Code, Explanation};
pub use compiled::compiled;
pub use finding::{Finding, Spot};
pub use manifest::{Content, Manifest};
pub use reason::{Meaning, meaning, meanings, reason};
pub use ungrounded::permissions;
pub use validate::{HOW_TO_GET, findings, listed};
pub use world::{Declared, Judged, World};
