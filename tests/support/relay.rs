//! A plain TCP relay, the baseline that `tests/bench` compares the gateway with: bytes go both ways unread.
//!
//! `relay LISTEN TARGET`, both `HOST:PORT`; prints `ready` and runs until it is killed.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "usage: relay LISTEN TARGET"));
    };
    let listener = TcpListener::bind(listen)?;
    println!("ready");
    for client in listener.incoming() {
        let target = target.clone();
        thread::spawn(move || {
            // A connection that fails concerns its two ends, which see it closed.
            let _ = client.and_then(|client| relay(&client, &TcpStream::connect(target)?));
        });
    }
    Ok(())
}

fn relay(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    thread::scope(|scope| {
        let back = scope.spawn(|| copy(server, client));
        let forth = copy(client, server);
        back.join().unwrap_or(Ok(())).and(forth)
    })
}

/// Copies until `from` ends, then tells `to`.
fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(count @ 1..) => to.write_all(buffer.get(..count).unwrap_or_default())?,
            _ => return to.shutdown(Shutdown::Write),
        }
    }
}
