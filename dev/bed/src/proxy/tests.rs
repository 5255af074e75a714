//! The proxy between a real client and a small endpoint, all on loopback.

use std::convert::Infallible;

use super::*;
use crate::http::call;

/// An endpoint that answers with the Host header and the body that it saw, and counts.
async fn endpoint() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(AtomicU64::new(0));
    let counter = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counter = counter.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    async move {
                        let host = request.headers()["host"].to_str().unwrap().to_owned();
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let text = format!("{host} {}", String::from_utf8_lossy(&body));
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
                    }
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (port, seen)
}

struct Bench {
    proxy: u16,
    seen: Arc<AtomicU64>,
    shared: Shared,
}

async fn bench() -> Bench {
    let (endpoint, seen) = endpoint().await;
    let shared = Shared::new(endpoint, Duration::ZERO);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = listener.local_addr().unwrap().port();
    tokio::spawn(accept(listener, shared.clone()));
    Bench { proxy, seen, shared }
}

impl Bench {
    async fn call(&self, action: &str) -> crate::Result<(u16, Bytes)> {
        call("POST", self.proxy, "/", format!("Action={action}").into_bytes()).await
    }
}

#[tokio::test]
async fn a_call_arrives_with_the_host_that_was_signed_and_is_counted() {
    let bench = bench().await;
    let (status, body) = bench.call("GetCallerIdentity").await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(body, format!("127.0.0.1:{} Action=GetCallerIdentity", bench.proxy));
    assert_eq!(bench.shared.counts().of("sts:GetCallerIdentity"), 1);
    assert_eq!(bench.shared.counts().by("unsigned"), 1);
}

#[tokio::test]
async fn a_refused_call_does_not_arrive_and_one_refused_after_does() {
    let bench = bench().await;
    bench.shared.faults().push(Fault::nth("sts:A", 1, FaultKind::Refuse).answering(400, "Throttling"));
    bench.shared.faults().push(Fault::nth("sts:B", 1, FaultKind::RefuseAfter));
    let (status, body) = bench.call("A").await.unwrap();
    assert_eq!(status, 400);
    assert!(String::from_utf8_lossy(&body).contains("<Code>Throttling</Code>"));
    assert_eq!(bench.seen.load(Ordering::SeqCst), 0);
    assert_eq!(bench.call("B").await.unwrap().0, 503);
    assert_eq!(bench.seen.load(Ordering::SeqCst), 1);
    assert_eq!(bench.call("A").await.unwrap().0, 200, "the fault is spent");
    assert_eq!(bench.shared.counts().faults, 2);
    assert_eq!(bench.shared.counts().failed["sts:A"], 1);
}

#[tokio::test]
async fn a_lost_reply_breaks_the_connection_after_the_effect() {
    let bench = bench().await;
    bench.shared.faults().push(Fault::nth("*", 1, FaultKind::DropAfter));
    assert!(bench.call("A").await.is_err());
    assert_eq!(bench.seen.load(Ordering::SeqCst), 1);
    bench.shared.faults().push(Fault::nth("*", 1, FaultKind::Drop));
    assert!(bench.call("A").await.is_err());
    assert_eq!(bench.seen.load(Ordering::SeqCst), 1, "dropped before it was passed on");
}

#[tokio::test]
async fn a_held_call_gets_no_answer_after_its_effect() {
    let bench = bench().await;
    bench.shared.faults().push(Fault::nth("*", 1, FaultKind::HoldAfter));
    let answer = tokio::time::timeout(Duration::from_millis(300), bench.call("A")).await;
    assert!(answer.is_err(), "no answer while held");
    assert_eq!(bench.seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_latency_is_added_to_each_call() {
    let bench = bench().await;
    bench.shared.set_latency(Duration::from_millis(40));
    let begin = std::time::Instant::now();
    bench.call("A").await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(40));
}

#[tokio::test]
async fn an_endpoint_that_is_down_looks_like_a_broken_connection() {
    let shared = Shared::new(1, Duration::ZERO);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(accept(listener, shared.clone()));
    assert!(call("POST", port, "/", b"Action=A".to_vec()).await.is_err());
    assert_eq!(shared.counts().failed["sts:A"], 1);
}
