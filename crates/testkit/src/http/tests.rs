use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::*;

/// Serves one connection: reads until the request ends with `until`, then answers.
fn serve(until: &'static str, answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut piece) = (String::new(), [0; 1024]);
        while !request.ends_with(until) {
            let length = stream.read(&mut piece).unwrap();
            assert!(length > 0, "closed after {request:?}");
            request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        }
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    (url, server)
}

#[test]
fn a_request_goes_out_whole() {
    let (url, server) = serve(
        "}",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Y: z\r\n\r\n{\"a\":1}",
    );
    let response = put(&url)
        .bearer("t")
        .json(&serde_json::json!({"on": true}))
        .expect(200);
    assert_eq!(
        (response.json()["a"].as_i64(), response.header("x-y")),
        (Some(1), Some("z"))
    );
    let request = server.join().unwrap();
    assert!(
        request.starts_with("PUT /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{request}"
    );
    assert!(request.contains("Authorization: Bearer t\r\n"), "{request}");
    assert!(
        request.ends_with("Content-Length: 11\r\n\r\n{\"on\":true}"),
        "{request}"
    );
}

#[test]
fn forms_are_encoded() {
    let (url, server) = serve("c=d", "HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n");
    post(&url).form(&[("a b", "ñ&="), ("c", "d")]).expect(303);
    assert!(server.join().unwrap().ends_with("\r\n\r\na+b=%C3%B1%26%3D&c=d"));
}

#[test]
fn a_connection_that_ends_early_is_an_error() {
    let (url, server) = serve("\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
    let error = get(&url).send().unwrap_err();
    assert!(
        format!("{error:#}").contains("the body ended after 5 of 9 bytes"),
        "{error:#}"
    );
    server.join().unwrap();
}
