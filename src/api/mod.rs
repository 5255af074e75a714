//! The kinds that people and the operator write, as the API server stores them.
//!
//! Types, schemas and the rules that the API server itself can check. No
//! decision is made here. Imports `names` only.

pub mod v1alpha1;
