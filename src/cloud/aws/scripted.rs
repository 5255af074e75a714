//! An endpoint for tests that answers as it was told and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use percent_encoding::percent_decode_str;

/// A request as the endpoint got it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) action: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) signed: bool,
}

type Answer = (u16, String);
type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

#[derive(Clone)]
pub(super) struct Scripted {
    asked: Arc<Mutex<Vec<Asked>>>,
    url: String,
}

impl Scripted {
    pub(super) async fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Arc<Script>) = (Arc::clone(&asked), Arc::new(script));
        let app = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
            let is_rest = uri.path() != "/";
            let request = if is_rest { rest(&method, &uri, &headers, body) } else { parse(&headers, &body) };
            let (status, text) = script(&request);
            let kind = if is_rest { "application/json" } else { "text/xml" };
            log.lock().unwrap().push(request);
            let status = StatusCode::from_u16(status).unwrap();
            async move { (status, [("content-type", kind)], text).into_response() }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { asked, url }
    }

    pub(super) async fn config(&self) -> SdkConfig {
        config_for(&self.url).await
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn actions(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.action).collect()
    }
}

/// How to reach an endpoint with a key that means nothing.
pub(super) async fn config_for(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("AKID", "key", None, None, "test"))
        .load()
        .await
}

/// A request of a service whose calls are paths: the method and the path are the action.
fn rest(method: &Method, uri: &Uri, headers: &HeaderMap, body: String) -> Asked {
    let query = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let mut parameters: BTreeMap<_, _> = query.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    if !body.is_empty() {
        parameters.insert("body".to_owned(), body);
    }
    Asked { action: format!("{method} {}", uri.path()), parameters, signed: headers.contains_key("authorization") }
}

fn parse(headers: &HeaderMap, body: &str) -> Asked {
    let signed = headers.contains_key("authorization");
    // Services that speak JSON name the action beside the body.
    if let Some(target) = headers.get("x-amz-target") {
        let action = target.to_str().unwrap().rsplit('.').next().unwrap().to_owned();
        return Asked { action, parameters: BTreeMap::from([("body".to_owned(), body.to_owned())]), signed };
    }
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let mut parameters: BTreeMap<_, _> = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), decode(value)))
        .collect();
    parameters.remove("Version");
    let action = parameters.remove("Action").unwrap_or_default();
    Asked { action, parameters, signed }
}

/// An answer that says yes.
pub(super) fn yes(action: &str, result: &str) -> Answer {
    (200, format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
}

/// An answer that says no.
pub(super) fn no(status: u16, code: &str, message: &str) -> Answer {
    (
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        ),
    )
}
