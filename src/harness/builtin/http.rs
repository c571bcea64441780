//! A small HTTP/1.1 client with connection reuse, for one server.
//!
//! A connection is driven by the task that waits for its answer, not by a task of its own: bytes wake the waiting task
//! directly, which keeps the time between their arrival and their timestamp short when a thousand answers stream.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// A URL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not `http://host[:port]`.
    #[error("`{0}` is not a URL like http://host:port")]
    Malformed(String),
    /// Anything but plain HTTP.
    #[error(
        "`{0}` is not plain HTTP, the only thing the built-in load generator speaks; give the server's http:// address, \
         or use another harness"
    )]
    Scheme(String),
}

/// A request that got no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection.
    #[error("cannot connect to {to}: {source}")]
    Connect {
        /// Host and port.
        to: String,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke before an answer came.
    #[error("the connection ended before an answer came: {0}")]
    Broken(#[from] hyper::Error),
}

type Connection = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// One connection and what drives it.
struct Link {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    driver: Option<Pin<Box<Connection>>>,
}

impl Link {
    /// Drive the connection as far as it goes without waiting.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            self.driver = None;
        }
    }
}

/// Sends requests to one server.
pub struct Client {
    host: String,
    port: u16,
    host_header: HeaderValue,
    /// Path of the base URL, without a trailing slash.
    base_path: String,
    idle: Mutex<Vec<Link>>,
}

impl Client {
    /// A client for `base_url`. Nothing is connected yet.
    pub fn new(base_url: &str) -> Result<Self, UrlError> {
        let malformed = || UrlError::Malformed(base_url.to_owned());
        let uri: Uri = base_url.trim().parse().map_err(|_| malformed())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(_) => return Err(UrlError::Scheme(base_url.to_owned())),
            None => return Err(malformed()),
        }
        let authority = uri.authority().ok_or_else(malformed)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(80);
        let host_header = HeaderValue::from_str(&match authority.port() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        })
        .map_err(|_| malformed())?;
        Ok(Self {
            host,
            port,
            host_header,
            base_path: uri.path().trim_end_matches('/').to_owned(),
            idle: Mutex::default(),
        })
    }

    /// Ask for `path`, with `body` as JSON where there is one. Returns once the head of the answer is there.
    pub async fn send(&self, path: &str, body: Option<Bytes>, id: &str) -> Result<Answer<'_>, SendError> {
        while let Some(link) = self.idle_link() {
            match self.send_over(link, path, body.clone(), id).await {
                // A server may close an idle connection at any time; what was never sent can be sent again.
                Err(error) if error.is_canceled() => {}
                Err(error) => return Err(error.into()),
                Ok(answer) => return Ok(answer),
            }
        }
        let link = self.connect().await?;
        Ok(self.send_over(link, path, body, id).await?)
    }

    fn idle_link(&self) -> Option<Link> {
        loop {
            let mut link = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // A look at the socket tells whether the server has closed it meanwhile.
            link.drive(&mut Context::from_waker(std::task::Waker::noop()));
            if link.driver.is_some() && link.sender.is_ready() {
                return Some(link);
            }
        }
    }

    async fn connect(&self) -> Result<Link, SendError> {
        let failed = |source| SendError::Connect {
            to: format!("{}:{}", self.host, self.port),
            source,
        };
        let stream = match self.host.parse() {
            Ok(address) => TcpStream::connect(SocketAddr::new(address, self.port)).await,
            Err(_) => TcpStream::connect((self.host.as_str(), self.port)).await,
        }
        .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Link {
            sender,
            driver: Some(Box::pin(connection)),
        })
    }

    async fn send_over(
        &self,
        mut link: Link,
        path: &str,
        body: Option<Bytes>,
        id: &str,
    ) -> Result<Answer<'_>, hyper::Error> {
        let mut request = Request::new(Full::new(body.clone().unwrap_or_default()));
        *request.method_mut() = if body.is_some() { Method::POST } else { Method::GET };
        if let Ok(uri) = format!("{}{path}", self.base_path).parse() {
            *request.uri_mut() = uri;
        }
        let headers = request.headers_mut();
        headers.insert(HOST, self.host_header.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("text/event-stream, application/json"),
        );
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert("x-request-id", id);
        }
        let mut answer = pin!(link.sender.send_request(request));
        let driver = &mut link.driver;
        let response = std::future::poll_fn(|context| {
            if let Some(connection) = driver
                && connection.as_mut().poll(context).is_ready()
            {
                *driver = None;
            }
            answer.as_mut().poll(context)
        })
        .await?;
        Ok(Answer {
            client: self,
            link: Some(link),
            response,
        })
    }
}

/// An answer whose body is still to come. Dropped before its end, its connection is closed.
pub struct Answer<'a> {
    client: &'a Client,
    link: Option<Link>,
    response: Response<Incoming>,
}

impl Answer<'_> {
    /// Status code.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The next bytes of the body, as they arrive; `None` at its end.
    pub async fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        let next = std::future::poll_fn(|context| self.poll_next(context)).await;
        if next.is_none() {
            self.give_back();
        }
        next
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        use hyper::body::Body;
        if let Some(link) = &mut self.link {
            link.drive(context);
        }
        loop {
            match Pin::new(self.response.body_mut()).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The body is at its end: let the next request have the connection.
    fn give_back(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.drive(&mut Context::from_waker(std::task::Waker::noop()));
            if link.driver.is_some() && link.sender.is_ready() {
                self.client
                    .idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(link);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_urls_are_taken() {
        assert!(Client::new("http://127.0.0.1:8000").is_ok());
        assert!(
            Client::new("http://[::1]:8000/base/").is_ok_and(|c| c.host == "::1" && c.base_path == "/base")
        );
        assert!(matches!(Client::new("https://x"), Err(UrlError::Scheme(_))));
        for bad in ["", "127.0.0.1:8000", "/v1", "http://"] {
            assert!(
                matches!(
                    Client::new(bad),
                    Err(UrlError::Malformed(_) | UrlError::Scheme(_))
                ),
                "{bad}"
            );
        }
    }
}
