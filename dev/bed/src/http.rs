//! The few plain HTTP calls that the bed itself makes on loopback.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::{BedError, Result};

/// One call on a connection of its own: the bed outlives any one runtime, a
/// pool of connections would not. Bounded in time.
pub(crate) async fn call(method: &str, port: u16, path: &str, body: Vec<u8>) -> Result<(u16, Bytes)> {
    let problem = |problem: String| BedError::Http { url: format!("http://127.0.0.1:{port}{path}"), problem };
    let exchange = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|e| e.to_string())?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", format!("127.0.0.1:{port}"))
            .header("connection", "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| e.to_string())?;
        let response = sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|e| e.to_string())?;
        Ok::<_, String>((status, body.to_bytes()))
    };
    match tokio::time::timeout(std::time::Duration::from_secs(10), exchange).await {
        Ok(answer) => answer.map_err(problem),
        Err(_) => Err(problem("no answer within 10 s".to_owned())),
    }
}
