//! What the operator tells about itself: logs, metrics, health.
//!
//! Imports `cloud` for the hook on calls only. Names of objects are never labels.

pub mod health;
pub mod http;
pub mod logs;
pub mod metrics;
