//! The house is kept as ARCHITECTURE.md and CONTRIBUTING.md say: read from the
//! files themselves, so that a rule cannot be forgotten.

mod files;
mod rooms;
mod text;
