//! A small HTTP/1.1 client on one kept connection, and a way to send bytes that no client would.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// The registry's own media type.
pub const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Response {
    /// The first header `name` (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// The body as JSON, after a check that the status is 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// The message, after a check of status and error code.
    #[track_caller]
    pub fn error(&self, status: u16, code: i64) -> String {
        let body = self.json();
        assert_eq!((self.status, body["error_code"].as_i64()), (status, Some(code)), "{self:?}");
        body["message"].as_str().expect("an error has a message").to_owned()
    }
}

/// A client of one address. Connects on first use, and again after the server has closed the connection.
pub struct Client {
    address: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client for `HOST:PORT`.
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), connection: None }
    }

    /// Sends a request, once, and reads the answer.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let result = self.exchange(method, path, headers, body);
        if result.as_ref().map_or(true, |r| r.header("connection").is_some_and(|v| v.contains("close"))) {
            self.connection = None;
        }
        result
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.address)?,
        };
        let connection = self.connection.insert(connection);
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        connection.get_mut().write_all(&request)?;
        read_response(connection, method == "HEAD")
    }

    /// `GET path`.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Response {
        self.call("GET", path, None)
    }

    /// `DELETE path`.
    #[track_caller]
    pub fn delete(&mut self, path: &str) -> Response {
        self.call("DELETE", path, None)
    }

    /// `POST path` with a JSON body.
    #[track_caller]
    pub fn post(&mut self, path: &str, body: &Value) -> Response {
        self.call("POST", path, Some(body))
    }

    /// `PUT path` with a JSON body.
    #[track_caller]
    pub fn put(&mut self, path: &str, body: &Value) -> Response {
        self.call("PUT", path, Some(body))
    }

    /// Sends a request that must be answered; a kept connection that the server has closed meanwhile is replaced.
    #[track_caller]
    fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let headers: &[(&str, &str)] = if body.is_some() { &[("content-type", MEDIA_TYPE)] } else { &[] };
        let kept = self.connection.is_some();
        match self.send(method, path, headers, bytes.as_bytes()) {
            Ok(response) => response,
            Err(_) if kept => {
                self.send(method, path, headers, bytes.as_bytes()).expect("an answer on a new connection")
            }
            Err(error) => panic!("{method} {path} at {}: {error}", self.address),
        }
    }

    /// Registers an Avro schema and returns its id.
    #[track_caller]
    pub fn register(&mut self, subject: &str, schema: &str) -> i64 {
        let answer = self.post(&format!("/subjects/{subject}/versions"), &json!({ "schema": schema }));
        answer.ok()["id"].as_i64().expect("the answer has an id")
    }
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(BufReader::new(stream))
}

/// Sends `bytes` as they are on a new connection and reads one answer. `Ok(None)`: closed without an answer.
pub fn send_raw(address: &str, bytes: &[u8]) -> io::Result<Option<Response>> {
    let mut connection = connect(address)?;
    // The server may answer, and close, before it has read everything.
    let written = connection.get_mut().write_all(bytes);
    match read_response(&mut connection, false) {
        Ok(response) => Ok(Some(response)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => written.and(Err(error)),
    }
}

fn read_response(connection: &mut BufReader<TcpStream>, head_only: bool) -> io::Result<Response> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let line = |connection: &mut BufReader<TcpStream>| -> io::Result<String> {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    };
    let first = line(connection)?;
    let status = first.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| bad(&first))?;
    let mut headers = Vec::new();
    loop {
        let next = line(connection)?;
        if next.is_empty() {
            break;
        }
        let (name, value) = next.split_once(':').ok_or_else(|| bad(&next))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: String::new() };
    let mut body = Vec::new();
    if head_only || status == 204 {
    } else if response.header("transfer-encoding").is_some() {
        loop {
            let size = line(connection)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(|_| bad("chunk size"))?;
            let mut chunk = vec![0; size];
            connection.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk);
            line(connection)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = response.header("content-length") {
        body = vec![0; length.parse().map_err(|_| bad("content-length"))?];
        connection.read_exact(&mut body)?;
    }
    response.body = String::from_utf8(body).map_err(|_| bad("the body is not UTF-8"))?;
    Ok(response)
}
