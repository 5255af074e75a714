//! The chart: what Helm makes of it, and what its policies do on a real API server.

mod gate;
mod guards;
mod inject;
pub mod pods;
mod render;

pub use pods::refusal;
