//! Ambit gives every machine one cloud identity with exactly the access that it
//! was declared to need. ARCHITECTURE.md draws the house.

pub mod api;
pub mod cli;
pub mod cloud;
pub mod cluster;
pub mod config;
pub mod controller;
pub mod domain;
pub mod names;
pub mod offline;
pub mod plan;
pub mod policy;
pub mod telemetry;
