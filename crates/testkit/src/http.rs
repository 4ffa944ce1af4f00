//! A small blocking HTTP/1.1 client for drills: one request per connection, no redirects, no cookies kept, no TLS.

mod response;

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::must;

pub use response::Response;

/// A request under construction; see [`get`], [`post`], [`put`].
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Duration,
}

/// GET `url`.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// POST to `url`.
pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

/// PUT to `url`.
pub fn put(url: impl Into<String>) -> Request {
    Request::new("PUT", url)
}

impl Request {
    /// Any method.
    pub fn new(method: &str, url: impl Into<String>) -> Request {
        let timeout = Duration::from_secs(30);
        Request {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Request {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds `Authorization: Bearer …`.
    pub fn bearer(self, token: &str) -> Request {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// Sends `value` as JSON.
    pub fn json(self, value: &Value) -> Request {
        self.body("application/json", value.to_string())
    }

    /// Sends `fields` as an HTML form does.
    pub fn form(self, fields: &[(&str, &str)]) -> Request {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        self.body(
            "application/x-www-form-urlencoded",
            pairs.collect::<Vec<_>>().join("&"),
        )
    }

    /// Sends `bytes` under the given content type.
    pub fn body(mut self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Request {
        self.body = bytes.into();
        self.header("Content-Type", content_type)
    }

    /// Limit for connecting and for each read.
    pub fn timeout(mut self, limit: Duration) -> Request {
        self.timeout = limit;
        self
    }

    /// Sends it; an answer with any status is `Ok`, a connection that fails or ends early is not.
    pub fn send(&self) -> Result<Response> {
        self.exchange()
            .with_context(|| format!("{} {}", self.method, self.url))
    }

    /// Sends it and asserts the status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Response {
        let response = must(self.send());
        assert!(
            response.status == status,
            "testkit: {} {}: status {status} expected, got {}\n{}",
            self.method,
            self.url,
            response.status,
            response.text()
        );
        response
    }

    fn exchange(&self) -> Result<Response> {
        let Some(rest) = self.url.strip_prefix("http://") else {
            bail!("only http:// URLs are understood")
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let address = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let address = address
            .to_socket_addrs()?
            .next()
            .context("the host has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, self.timeout)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        stream.set_nodelay(true)?;

        let mut head = format!(
            "{} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n",
            self.method
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || self.method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&self.body));

        // A server may answer and close before it has read the whole body (413, 503): its answer counts.
        let mut bytes = Vec::new();
        let received = stream.read_to_end(&mut bytes);
        match Response::parse(&bytes) {
            Ok(response) => Ok(response),
            Err(error) => {
                sent.context("sending")?;
                received.context("receiving")?;
                Err(error)
            }
        }
    }
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
