use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers in order, names as sent.
    pub headers: Vec<(String, String)>,
    /// Body, chunks joined.
    pub body: Vec<u8>,
}

impl Response {
    /// Parses what a server sent until it closed; a body that is shorter than announced is an error.
    pub(super) fn parse(bytes: &[u8]) -> Result<Response> {
        if bytes.is_empty() {
            bail!("the connection was closed without an answer");
        }
        let end = find(bytes, b"\r\n\r\n").context("the connection was closed inside the headers")?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("no status in {status_line:?}"))?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        let rest = &bytes[end + 4..];
        response.body = if response
            .header("Transfer-Encoding")
            .is_some_and(|value| value.contains("chunked"))
        {
            join_chunks(rest)?
        } else if let Some(length) = response.header("Content-Length") {
            let length: usize = length.parse().context("reading Content-Length")?;
            rest.get(..length)
                .with_context(|| format!("the body ended after {} of {length} bytes", rest.len()))?
                .to_vec()
        } else {
            rest.to_vec()
        };
        Ok(response)
    }

    /// First header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("testkit: the answer is not JSON: {error}\n{}", self.text()),
        }
    }
}

fn join_chunks(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = find(rest, b"\r\n").context("the body ended inside a chunk size")?;
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).with_context(|| format!("chunk size {size:?}"))?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(rest.get(..size).context("the body ended inside a chunk")?);
        rest = rest.get(size + 2..).context("the body ended behind a chunk")?;
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let raw =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(Response::parse(raw).unwrap().text(), "abcde");
        for cut in raw.len() - 14..raw.len() - 5 {
            assert!(Response::parse(&raw[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_short_body_is_an_error() {
        let raw = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\nContent-Length: 4\r\n\r\nbody";
        let response = Response::parse(raw).unwrap();
        assert_eq!(
            (response.status, response.header("Retry-After")),
            (503, Some("30"))
        );
        assert!(Response::parse(&raw[..raw.len() - 1]).is_err());
    }
}
