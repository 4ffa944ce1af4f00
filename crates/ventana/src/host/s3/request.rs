//! Requests to a bucket. A signed URL is as good as a password for a while: it stands in no error.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

/// How long a line may be silent: without a byte for so long, in either direction, nobody is there any more.
const IDLE: Duration = Duration::from_secs(60);

/// How long one object may take, either way.
const TRANSFER: Duration = Duration::from_secs(4 * 3600);

pub(super) fn agent() -> ureq::Agent {
    patient(IDLE)
}

fn patient(idle: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(idle))
        .timeout_per_read(Some(idle))
        .timeout_per_write(Some(idle))
        .timeout_send_body(Some(TRANSFER))
        .timeout_recv_body(Some(TRANSFER))
        .user_agent("ventana")
        .build()
        .into()
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Refused {
    /// The server's status and words.
    Status { status: u16, said: String },
    /// There was no answer.
    Unanswered(io::Error),
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        match refused {
            Refused::Unanswered(error) => error,
            Refused::Status { status, said } => {
                let kind = match status {
                    401 | 403 => ErrorKind::PermissionDenied,
                    404 => ErrorKind::NotFound,
                    409 | 412 => ErrorKind::AlreadyExists,
                    507 => ErrorKind::StorageFull,
                    _ => ErrorKind::Other,
                };
                io::Error::new(kind, format!("the bucket's server answers {status}{said}"))
            }
        }
    }
}

/// An answer of status 200.
pub(super) struct Answer(ureq::Body);

impl Answer {
    pub(super) fn reader(self) -> impl Read + use<> {
        Content(self.0.into_reader())
    }

    pub(super) fn text(mut self) -> io::Result<String> {
        let text = self.0.with_config().limit(64 << 20).read_to_string();
        text.map_err(|error| io::Error::other(error.to_string()))
    }
}

/// An answer's body, whose silence is told in words.
struct Content<R>(R);

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            match inner {
                Some(ureq::Error::Timeout(_)) => io::Error::new(ErrorKind::TimedOut, SILENT),
                _ => error,
            }
        })
    }
}

const SILENT: &str = "the bucket's server is silent: not a byte within the time limit";

pub(super) fn get(agent: &ureq::Agent, url: &str) -> Result<Answer, Refused> {
    answered(agent.get(url).call(), url)
}

pub(super) fn delete(agent: &ureq::Agent, url: &str) -> Result<(), Refused> {
    answered(agent.delete(url).call(), url).map(drop)
}

/// `anew`: only where there is no such object.
pub(super) fn put(
    agent: &ureq::Agent,
    url: &str,
    content: &mut dyn Read,
    bytes: u64,
    anew: bool,
) -> Result<(), Refused> {
    let mut request = agent.put(url).header("content-length", bytes.to_string());
    if anew {
        request = request.header("if-none-match", "*");
    }
    // What is longer than was said must not become the beginning of another request.
    let mut content = content.take(bytes);
    let body = ureq::SendBody::from_reader(&mut content);
    answered(request.send(body), url).map(drop)
}

fn answered(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    url: &str,
) -> Result<Answer, Refused> {
    let unanswered = |error: ureq::Error| {
        let (kind, text) = match error {
            ureq::Error::Io(error) => (error.kind(), error.to_string()),
            ureq::Error::Timeout(_) => (ErrorKind::TimedOut, SILENT.to_owned()),
            error => (ErrorKind::Other, error.to_string()),
        };
        let place = url.split('?').next().unwrap_or_default();
        Refused::Unanswered(io::Error::new(
            kind,
            format!("{place}: {}", text.replace(url, place)),
        ))
    };
    let response = answer.map_err(unanswered)?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    if (200..300).contains(&status) {
        return Ok(Answer(body));
    }
    let said = body
        .with_config()
        .limit(64 << 10)
        .read_to_string()
        .unwrap_or_default();
    let said = [element(&said, "Code"), element(&said, "Message")];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    Err(Refused::Status {
        status,
        said: if said.is_empty() {
            String::new()
        } else {
            format!(": {}", said.join(": "))
        },
    })
}

/// The text of an element of an error document.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// A server that takes a connection, sends `answer` and is silent from then on.
    fn silent(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/b/k?X-Amz-Signature=beef",
            listener.local_addr().unwrap()
        );
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            // Open, and nobody reads: what is sent fills the line.
            std::mem::forget(stream);
        });
        url
    }

    #[test]
    fn a_line_that_is_silent_is_given_up() {
        let agent = patient(Duration::from_millis(100));
        let late = |error: io::Error| {
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
            assert!(!error.to_string().contains("X-Amz"), "{error}");
        };
        // Before its answer; in the middle of it; while it is to take what is sent.
        late(get(&agent, &silent("")).err().unwrap().into());
        let begun = get(&agent, &silent("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"))
            .ok()
            .unwrap();
        let mut content = Vec::new();
        let cut = begun.reader().read_to_end(&mut content).unwrap_err();
        assert_eq!(
            (cut.kind(), content.as_slice()),
            (ErrorKind::TimedOut, &b"abc"[..]),
            "{cut}"
        );
        let bytes = 64 << 20;
        let sent = put(&agent, &silent(""), &mut io::repeat(0), bytes, false);
        late(sent.unwrap_err().into());
    }

    #[test]
    fn errors_say_the_servers_words_and_no_signature() {
        let document = "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>";
        assert_eq!(element(document, "Code"), Some("NoSuchBucket"));
        assert_eq!(element(document, "Hint"), None);
        let url = "http://127.0.0.1:1/b/k?X-Amz-Credential=AKIA&X-Amz-Signature=beef";
        let error = io::Error::from(get(&agent(), url).err().unwrap());
        assert!(!error.to_string().contains("X-Amz"), "{error}");
        assert!(error.to_string().contains("127.0.0.1:1/b/k"), "{error}");
    }
}
