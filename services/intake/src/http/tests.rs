//! Real requests over a real socket.

use super::*;
use std::{net::SocketAddr, sync::Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const TOKEN: &str = "a token for the tests";

/// Keeps what it is given, as far as there is room.
struct Shelf {
    room: usize,
    kept: Mutex<Vec<Inbox>>,
}

impl Accept for Shelf {
    fn accept(&self, record: Inbox) -> Pin<Box<dyn Future<Output = Result<(), Busy>> + Send + '_>> {
        let mut kept = self.kept.lock().unwrap();
        let result = if kept.len() < self.room {
            kept.push(record);
            Ok(())
        } else {
            Err(Busy)
        };
        Box::pin(std::future::ready(result))
    }
}

async fn serve(room: usize) -> (SocketAddr, Arc<Shelf>) {
    let config: Config =
        toml::from_str(&format!("[http]\nlisten = '127.0.0.1:0'\ntoken = '{TOKEN}'\nbody_limit = '4KiB'")).unwrap();
    assert_eq!(config.problems(), []);
    let shelf = Arc::new(Shelf { room, kept: Mutex::default() });
    let router = router(&config, shelf.clone()).unwrap();
    let listener = TcpListener::bind(config.http.unwrap().listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, shelf)
}

/// The status line's number, the headers and the body.
async fn post(address: SocketAddr, token: &str, body: &str) -> (u16, String, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/items HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

fn statuses(body: &str) -> Vec<(u64, String)> {
    let line = |line: &str| {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        (told["line"].as_u64().unwrap(), told["status"].as_str().unwrap().to_owned())
    };
    body.lines().map(line).collect()
}

#[tokio::test]
async fn lines_an_object_or_an_array() {
    let (address, shelf) = serve(100).await;
    for (body, status, told) in [
        (
            "{\"headline\":\"a\"}\n\n{\"headline\":3}\n{\"headline\":\"b\"}\n",
            200,
            vec![(1, "accepted"), (3, "refused"), (4, "accepted")],
        ),
        ("{\n \"headline\": \"c\"\n}", 200, vec![(1, "accepted")]),
        ("[{\"headline\":\"d\"}, 1]", 200, vec![(1, "accepted"), (2, "refused")]),
        ("{\"headline\":\"\"}", 422, vec![(1, "refused")]),
    ] {
        let (found, head, answer) = post(address, TOKEN, body).await;
        assert_eq!(found, status, "{body}: {answer}");
        assert!(head.contains("application/x-ndjson"));
        assert_eq!(statuses(&answer), told.iter().map(|(n, s)| (*n, (*s).to_owned())).collect::<Vec<_>>(), "{body}");
    }
    let kept = shelf.kept.lock().unwrap();
    assert_eq!(kept.iter().filter_map(|inbox| inbox.headline.as_deref()).collect::<String>(), "abcd");
    assert!(kept.iter().all(|inbox| !inbox.first_seen_at.is_absent()));
}

#[tokio::test]
async fn the_answer_names_the_id_and_the_mend() {
    let (address, _) = serve(100).await;
    let (_, _, answer) = post(address, TOKEN, "{\"headline\":\"a\"}\n{\"headline\":\"a\",\"url\":\"x\"}").await;
    let lines: Vec<serde_json::Value> = answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let id = item(&Inbox { headline: Some("a".to_owned()), ..Inbox::default() }, Timestamp::ABSENT).unwrap().id;
    assert_eq!(lines[0], serde_json::json!({"line": 1, "status": "accepted", "id": id}));
    let error = serde_json::json!({"code": "url", "field": "url", "found": "x", "mend": "an absolute address such as https://host/path, or none"});
    assert_eq!(lines[1], serde_json::json!({"line": 2, "status": "refused", "error": error}));
}

#[tokio::test]
async fn who_may_not_come_in() {
    let (address, shelf) = serve(1).await;
    assert_eq!(post(address, "another token", "{\"headline\":\"a\"}").await.0, 401);
    assert_eq!(post(address, "", "").await.0, 401);
    assert_eq!(post(address, TOKEN, " \n").await.0, 400);
    assert_eq!(post(address, TOKEN, &" ".repeat(4097)).await.0, 413);
    assert_eq!(shelf.kept.lock().unwrap().len(), 0);
    let (status, head, answer) = post(address, TOKEN, "{\"headline\":\"a\"}\n{\"headline\":\"b\"}").await;
    assert_eq!((status, head.contains("retry-after: 1")), (429, true));
    assert_eq!(statuses(&answer), [(1, "accepted".to_owned()), (2, "busy".to_owned())]);
}

#[test]
fn without_a_token_there_is_no_door() {
    let off = router(&Config::default(), Arc::new(Shelf { room: 0, kept: Mutex::default() })).unwrap();
    assert!(!off.has_routes());
    let short: Config = toml::from_str("[http]\ntoken = ' '").unwrap();
    assert!(router(&short, Arc::new(Shelf { room: 0, kept: Mutex::default() })).is_err());
    let missing: Config = toml::from_str("[http]\ntoken_file = '/there/is/no/such/file'").unwrap();
    let error = router(&missing, Arc::new(Shelf { room: 0, kept: Mutex::default() })).unwrap_err().to_string();
    assert!(error.starts_with("intake.http.token_file = /there/is/no/such/file: "), "{error}");
}
