use super::*;
use proptest::prelude::*;
use std::io::{Read, Write};

/// A server that answers every connection with these bytes, and then closes it.
fn answering(answer: Vec<u8>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&answer);
        }
    });
    url
}

async fn get(url: &str) -> Result<(u16, Vec<u8>), HttpError> {
    let client = Client::new(url).unwrap();
    let mut answer = client.send("/x", None, "id").await?;
    let mut body = Vec::new();
    while let Some(piece) = answer.next().await {
        body.extend_from_slice(&piece?);
    }
    Ok((answer.status(), body))
}

#[test]
fn only_plain_http_urls_are_taken() {
    assert!(Client::new("http://127.0.0.1:8000").is_ok());
    assert!(Client::new("http://[::1]:8000/base/").is_ok_and(|c| c.host == "::1" && c.base_path == "/base"));
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

#[tokio::test]
async fn the_end_of_a_body_is_known_in_every_way_there_is() {
    for (answer, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nt: 1\r\n\r\n",
            "abc",
        ),
        ("HTTP/1.0 200 OK\r\n\r\nabc", "abc"),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "",
        ),
    ] {
        let got = get(&answering(answer.into())).await.unwrap();
        assert_eq!(got, (200, body.as_bytes().to_vec()), "{answer}");
    }
}

#[tokio::test]
async fn answers_that_break_off_or_are_no_http_are_errors() {
    let of = async |answer: &str| get(&answering(answer.into())).await.unwrap_err();
    assert!(matches!(of("").await, HttpError::Closed));
    assert!(matches!(
        of("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await,
        HttpError::Closed
    ));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    assert!(matches!(
        of(&format!("{chunked}5\r\nab")).await,
        HttpError::Closed
    ));
    assert!(matches!(
        of(&format!("{chunked}zz\r\n")).await,
        HttpError::Malformed(_)
    ));
    assert!(matches!(of("SSH-2.0-x\r\n\r\n").await, HttpError::Malformed(_)));
    assert!(matches!(of("HTTP/1.1 200").await, HttpError::Malformed(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_answer_makes_it_panic_or_hang(bytes in prop::collection::vec(any::<u8>(), 0..200), http: bool) {
        let mut answer = if http { b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec() } else { Vec::new() };
        answer.extend_from_slice(&bytes);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = runtime.block_on(get(&answering(answer)));
    }
}
