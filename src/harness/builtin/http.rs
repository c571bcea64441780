//! A small HTTP/1.1 client with connection reuse, for one server.
//!
//! An answer's bytes wake the task that waits for them, which reads them with a single system call: no connection task,
//! no channel, no second look at the socket lies between their arrival and their timestamp. With a thousand answers
//! streaming in step that is what keeps the measured times those of the server.

use super::chunked::Chunked;
use bytes::Bytes;
use hyper::Uri;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest head of an answer.
const LONGEST_HEAD: usize = 64 << 10;
/// Bytes read at once.
const READ: usize = 8 << 10;

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

/// An answer that did not come, or not in full.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection.
    #[error("cannot connect to {to}: {source}")]
    Connect {
        /// Host and port.
        to: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    /// The server closed the connection too early.
    #[error("the server closed the connection before the answer was complete")]
    Closed,
    /// Bytes that are no HTTP.
    #[error("the answer is not HTTP: {0}")]
    Malformed(&'static str),
}

/// One connection.
struct Link {
    stream: TcpStream,
    buffer: Box<[u8]>,
}

impl Link {
    /// The bytes that have come; empty at the connection's end.
    async fn read(&mut self) -> io::Result<&[u8]> {
        let count = self.stream.read(&mut self.buffer).await?;
        Ok(self.buffer.get(..count).unwrap_or_default())
    }

    /// Whether an idle connection is still open, with nothing unasked for in it.
    fn is_fresh(&self) -> bool {
        matches!(self.stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Sends requests to one server.
pub struct Client {
    host: String,
    port: u16,
    host_header: String,
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
        let host_header = match authority.port() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            host_header,
            base_path: uri.path().trim_end_matches('/').to_owned(),
            idle: Mutex::default(),
        })
    }

    /// Ask for `path`, with `body` as JSON where there is one. Returns once the head of the answer is there.
    pub async fn send(&self, path: &str, body: Option<Bytes>, id: &str) -> Result<Answer<'_>, HttpError> {
        let request = self.request(path, body.as_deref(), id);
        while let Some(link) = self.idle_link() {
            match self.exchange(link, &request).await {
                // A server may close an idle connection at any time, so this says nothing about the request.
                Err(HttpError::Closed | HttpError::Io(_)) => {}
                other => return other,
            }
        }
        let link = self.connect().await?;
        self.exchange(link, &request).await
    }

    fn request(&self, path: &str, body: Option<&[u8]>, id: &str) -> Vec<u8> {
        let body_length = body.map_or(0, <[u8]>::len);
        let mut head = String::with_capacity(256 + body_length);
        let method = if body.is_some() { "POST" } else { "GET" };
        let _ = write!(
            head,
            "{method} {}{path} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream, application/json\r\n\
             content-type: application/json\r\ncontent-length: {body_length}\r\n",
            self.base_path, self.host_header,
        );
        // Ids come from folder names; one that would end the line is left out.
        if id.bytes().all(|byte| byte.is_ascii_graphic()) {
            let _ = write!(head, "x-request-id: {id}\r\n");
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(body.unwrap_or_default());
        request
    }

    fn idle_link(&self) -> Option<Link> {
        loop {
            let link = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if link.is_fresh() {
                return Some(link);
            }
        }
    }

    async fn connect(&self) -> Result<Link, HttpError> {
        let failed = |source| HttpError::Connect {
            to: format!("{}:{}", self.host, self.port),
            source,
        };
        let stream = match self.host.parse() {
            Ok(address) => TcpStream::connect(SocketAddr::new(address, self.port)).await,
            Err(_) => TcpStream::connect((self.host.as_str(), self.port)).await,
        }
        .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Link {
            stream,
            buffer: vec![0; READ].into_boxed_slice(),
        })
    }

    async fn exchange(&self, mut link: Link, request: &[u8]) -> Result<Answer<'_>, HttpError> {
        link.stream.write_all(request).await?;
        let mut received = Vec::new();
        loop {
            let bytes = link.read().await?;
            if bytes.is_empty() {
                return Err(if received.is_empty() {
                    HttpError::Closed
                } else {
                    HttpError::Malformed("it ends within its head")
                });
            }
            received.extend_from_slice(bytes);
            while let Some(end) = memchr::memmem::find(&received, b"\r\n\r\n") {
                let rest = received.split_off(end + 4);
                let head = Head::parse(&received)?;
                received = rest;
                // An interim answer (100 to 199) comes before the real one.
                if head.status >= 200 {
                    return Ok(Answer {
                        client: self,
                        link: Some(link),
                        head,
                        early: received,
                    });
                }
            }
            if received.len() > LONGEST_HEAD {
                return Err(HttpError::Malformed("its head is longer than 64 KiB"));
            }
        }
    }
}

/// How the end of a body is known.
enum Body {
    Length(u64),
    Chunked(Chunked),
    UntilClosed,
}

struct Head {
    status: u16,
    body: Body,
    keep: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, HttpError> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1))
            .and_then(|status| status.parse().ok())
            .ok_or(HttpError::Malformed("it has no status line"))?;
        let mut head = Self {
            status,
            body: Body::UntilClosed,
            keep: first.starts_with("HTTP/1.1"),
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim().to_ascii_lowercase();
            match name.to_ascii_lowercase().as_str() {
                "transfer-encoding" if value.ends_with("chunked") => {
                    head.body = Body::Chunked(Chunked::default());
                }
                // Beside chunks a length means nothing.
                "content-length" if !matches!(head.body, Body::Chunked(_)) => {
                    let length = value.parse();
                    head.body =
                        Body::Length(length.map_err(|_| HttpError::Malformed("its length is no number"))?);
                }
                "connection" if value == "close" => head.keep = false,
                _ => {}
            }
        }
        if matches!(status, 204 | 304) {
            head.body = Body::Length(0);
        }
        Ok(head)
    }
}

/// An answer whose body is still to come. Dropped before its end, its connection is closed.
pub struct Answer<'a> {
    client: &'a Client,
    link: Option<Link>,
    head: Head,
    /// What came together with the head.
    early: Vec<u8>,
}

impl Answer<'_> {
    /// Status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The next bytes of the body, as they arrive; `None` at its end.
    pub async fn next(&mut self) -> Option<Result<Bytes, HttpError>> {
        match self.read().await {
            Ok(bytes) if bytes.is_empty() => {
                self.give_back();
                None
            }
            Ok(bytes) => Some(Ok(bytes)),
            Err(error) => {
                self.link = None;
                Some(Err(error))
            }
        }
    }

    /// Some bytes of the body; none at its end.
    async fn read(&mut self) -> Result<Bytes, HttpError> {
        loop {
            if self.is_complete() {
                return Ok(Bytes::new());
            }
            let Some(link) = &mut self.link else {
                return Ok(Bytes::new());
            };
            let early = std::mem::take(&mut self.early);
            let bytes = if early.is_empty() {
                link.read().await?
            } else {
                &early
            };
            if bytes.is_empty() {
                let whole = matches!(self.head.body, Body::UntilClosed);
                self.link = None;
                return if whole {
                    Ok(Bytes::new())
                } else {
                    Err(HttpError::Closed)
                };
            }
            let body = match &mut self.head.body {
                Body::UntilClosed => Bytes::copy_from_slice(bytes),
                Body::Length(left) => {
                    let own = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= own as u64;
                    self.head.keep &= own == bytes.len();
                    Bytes::copy_from_slice(bytes.get(..own).unwrap_or_default())
                }
                Body::Chunked(chunked) => {
                    let mut body = Vec::with_capacity(bytes.len());
                    let used = chunked.decode(bytes, &mut body).map_err(HttpError::Malformed)?;
                    self.head.keep &= used == bytes.len();
                    Bytes::from(body)
                }
            };
            if !body.is_empty() {
                return Ok(body);
            }
        }
    }

    fn is_complete(&self) -> bool {
        match &self.head.body {
            Body::Length(left) => *left == 0,
            Body::Chunked(chunked) => chunked.is_complete(),
            Body::UntilClosed => false,
        }
    }

    /// The body is at its end: let the next request have the connection.
    fn give_back(&mut self) {
        if let Some(link) = self.link.take()
            && self.head.keep
            && self.is_complete()
        {
            self.client
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(link);
        }
    }
}

#[cfg(test)]
mod tests;
