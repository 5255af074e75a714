//! Logs: JSON lines on standard error, so that standard output stays for answers.

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Installs the subscriber of the process. `filter` is as `RUST_LOG` has it.
pub fn install(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("`{filter}` is not a log filter: {error}"))?;
    // At the finest level the SDK writes whole requests, tokens included: that
    // level does not exist for it, whatever the filter says.
    // And the Kubernetes client writes an answer that it cannot decode.
    let no_bodies = filter_fn(|metadata| {
        if metadata.target().starts_with("kube_client::client") && *metadata.level() == Level::WARN {
            return false;
        }
        *metadata.level() <= Level::DEBUG
            || !["aws_", "hyper", "h2", "rustls"].iter().any(|name| metadata.target().starts_with(name))
    });
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(filter)
        .with(no_bodies)
        .with(json)
        .try_init()
        .map_err(|error| format!("logs cannot be set up: {error}"))
}
