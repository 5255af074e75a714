//! The policy engine by itself, and what the fuzz targets ask of it.

#![forbid(unsafe_code)]

#[path = "../../src/names/mod.rs"]
pub mod names;
#[path = "../../src/policy/mod.rs"]
pub mod policy;

pub mod asked;
