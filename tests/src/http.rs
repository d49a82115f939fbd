//! Just enough HTTP/1.1 for tests: a server of feeds on a free port of 127.0.0.1, and a GET.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// What a path answers with.
pub struct Page {
    /// `Content-Type`.
    pub kind: &'static str,
    /// Body.
    pub body: Vec<u8>,
    /// Another header, such as an encoding; with a `Location` it is a redirect.
    pub header: Option<&'static str>,
}

impl Page {
    /// A page without further headers.
    pub fn new(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { kind, body: body.into(), header: None }
    }
}

/// A server; it ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Answers GETs with what `page` makes of their path, and with 404 where that is nothing.
    pub fn start(page: impl Fn(&str) -> Option<Page> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let over = Arc::new(AtomicBool::new(false));
        let (page, stop) = (Arc::new(page), over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let page = page.clone();
                // a client that hangs up is no failure of the test
                std::thread::spawn(move || answer(&stream, &*page).ok());
            }
        });
        Self { address, over }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // wakes the listener
        drop(TcpStream::connect(self.address));
    }
}

fn answer(mut stream: &TcpStream, page: &dyn Fn(&str) -> Option<Page>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = String::new();
    let mut reader = BufReader::new(stream);
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let (status, Page { kind, body, header }) = match request.split(' ').nth(1).and_then(page) {
        Some(page) if page.header.is_some_and(|header| header.starts_with("Location")) => ("302 Found", page),
        Some(page) => ("200 OK", page),
        None => ("404 Not Found", Page::new("text/plain", "")),
    };
    let (length, header) = (body.len(), header.map(|header| format!("{header}\r\n")).unwrap_or_default());
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{header}Connection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// Status and body of a GET; nothing where nobody answers.
pub fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    // 1.0: the answer comes unchunked and ends with the connection
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
