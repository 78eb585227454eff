//! A schema registry that answers two questions, and can be told not to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Well,
    /// Every answer is 500.
    Failing,
    /// No answer.
    Silent,
}

#[derive(Debug, Default)]
struct State {
    /// Subjects by schema id.
    schemas: Mutex<BTreeMap<i32, Vec<String>>>,
    /// What is answered about the content of a schema, if not an Avro string.
    contents: Mutex<BTreeMap<i32, String>>,
    asked: Mutex<Vec<String>>,
    mood: Mutex<Mood>,
}

pub struct Registry {
    pub address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

impl Registry {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let owner = Arc::clone(&state);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                connections.spawn(serve(Arc::clone(&owner), socket));
            }
        });
        Self { address, state, _tasks: tasks }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn register(&self, id: i32, subject: &str) {
        self.state.schemas.lock().unwrap().entry(id).or_default().push(subject.to_owned());
    }

    /// Gives a schema other content: the answer to a question for it by id.
    pub fn content(&self, id: i32, answer: &str) {
        self.state.contents.lock().unwrap().insert(id, answer.to_owned());
    }

    pub fn forget(&self, id: i32) {
        self.state.schemas.lock().unwrap().remove(&id);
    }

    pub fn mood(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    /// How often it was asked about a schema.
    pub fn asked(&self, id: i32) -> usize {
        let path = format!("/schemas/ids/{id}/versions");
        self.state.asked.lock().unwrap().iter().filter(|asked| **asked == path).count()
    }

    /// How many questions there were in all.
    pub fn asked_in_all(&self) -> usize {
        self.state.asked.lock().unwrap().iter().filter(|asked| asked.ends_with("/versions")).count()
    }
}

async fn serve(state: Arc<State>, mut socket: TcpStream) {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
            }
            if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let target = head.split(' ').nth(1).unwrap();
        let path = target.split('?').next().unwrap().to_owned();
        state.asked.lock().unwrap().push(path.clone());
        let mood = *state.mood.lock().unwrap();
        let (status, body) = match mood {
            Mood::Silent => std::future::pending().await,
            Mood::Failing => (500, r#"{"error_code":50001,"message":"down"}"#.to_owned()),
            Mood::Well => answer(&state, &path),
        };
        let response = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if socket.write_all(response.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn answer(state: &State, path: &str) -> (u16, String) {
    let schemas = state.schemas.lock().unwrap();
    if let Some(guid) = path.strip_prefix("/schemas/guids/").and_then(|rest| rest.strip_suffix("/ids")) {
        // The guid of a schema ends with its id.
        let id = i32::from_str_radix(&guid[28..], 16).unwrap();
        return match schemas.contains_key(&id) {
            true => (200, format!(r#"[{{"context":".","id":{id}}}]"#)),
            false => (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned()),
        };
    }
    let Some(rest) = path.strip_prefix("/schemas/ids/") else {
        return (404, r#"{"error_code":40401,"message":"Subject not found"}"#.to_owned());
    };
    let mut parts = rest.split('/');
    let id: i32 = parts.next().unwrap().parse().unwrap();
    let Some(subjects) = schemas.get(&id) else {
        return (404, format!(r#"{{"error_code":40403,"message":"Schema {id} not found"}}"#));
    };
    if parts.next() == Some("versions") {
        let uses: Vec<String> =
            subjects.iter().map(|subject| format!(r#"{{"subject":"{subject}","version":1}}"#)).collect();
        return (200, format!("[{}]", uses.join(",")));
    }
    if let Some(content) = state.contents.lock().unwrap().get(&id) {
        return (200, content.clone());
    }
    let highest = schemas.keys().max().copied().unwrap_or_default();
    (200, format!(r#"{{"schema":"\"string\"","maxId":{highest}}}"#))
}
