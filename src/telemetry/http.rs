//! The one HTTP port: probes and metrics.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use tokio::net::TcpListener;

use super::health::Health;
use super::metrics::Metrics;

/// Binds the port. Done before anything else, so that a taken port is an error at once.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until the future is dropped.
pub async fn serve(listener: TcpListener, health: Health, metrics: Metrics) -> std::io::Result<()> {
    let readiness = health.clone();
    let router = Router::new()
        // Alive: the runtime still answers. Nothing outside the process counts,
        // or an API server that is away would have every replica restarted.
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || std::future::ready(ready(&readiness))))
        .route("/metrics", get(move || std::future::ready(exposition(&metrics, &health))));
    axum::serve(listener, router).await
}

fn ready(health: &Health) -> (StatusCode, &'static str) {
    if health.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the API server has not answered yet, or the process is stopping\n")
    }
}

fn exposition(metrics: &Metrics, health: &Health) -> axum::response::Response {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.text(health.is_leading()) {
        Ok(text) => ([(header::CONTENT_TYPE, TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
