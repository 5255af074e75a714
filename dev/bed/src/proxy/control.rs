//! How the proxy is asked and told: `/_bed/…` on its own port.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::faults::Fault;
use super::serve::Shared;

/// The body of `POST /_bed/latency`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    millis: u64,
}

/// Serves the control port until dropped.
pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(shared.clone(), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (status, text) = match act(&shared, parts.method.as_str(), parts.uri.path(), &body) {
        Ok(text) => (StatusCode::OK, text),
        Err(problem) => (StatusCode::BAD_REQUEST, problem),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    Ok(response)
}

/// Does what was asked; the answer is JSON, a problem is a sentence.
fn act(shared: &Shared, method: &str, path: &str, body: &[u8]) -> Result<String, String> {
    match (method, path) {
        ("GET", "/_bed/counts") => json(&*shared.counts()),
        ("POST", "/_bed/reset") => json(&std::mem::take(&mut *shared.counts())),
        ("POST", "/_bed/latency") => {
            shared.set_latency(Duration::from_millis(read::<Latency>(body)?.millis));
            Ok("{}".to_owned())
        }
        ("GET", "/_bed/faults") => json(&*shared.faults()),
        ("POST", "/_bed/faults") => {
            let fault = read::<Fault>(body)?;
            shared.faults().push(fault);
            Ok("{}".to_owned())
        }
        ("DELETE", "/_bed/faults") => {
            shared.faults().clear();
            Ok("{}".to_owned())
        }
        ("POST", "/_bed/callers") => {
            let callers = read::<BTreeMap<String, String>>(body)?;
            shared.callers().extend(callers);
            Ok("{}".to_owned())
        }
        _ => Err(format!(
            "`{method} {path}` is not known; use GET counts, POST reset, POST latency, GET, POST or DELETE faults, or POST callers under /_bed/"
        )),
    }
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body must be JSON of the known fields: {error}"))
}

fn json<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
