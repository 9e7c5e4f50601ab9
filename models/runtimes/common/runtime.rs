// SPDX-License-Identifier: MIT
//! What a server in Rust needs beside its model: arguments, ready line, counters.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::Notify;

const BACKLOG: u32 = 4096;

const NONE: AtomicUsize = AtomicUsize::new(0);
static CONNECTED: AtomicUsize = NONE;
static ACCEPTED: AtomicUsize = NONE;
static REFUSED: AtomicUsize = NONE;
static REQUESTS: AtomicUsize = NONE;
static BYTES_IN: AtomicUsize = NONE;
static BYTES_OUT: AtomicUsize = NONE;
static CLOSED: [AtomicUsize; 4] = [NONE; 4];
static STOPPING: AtomicBool = AtomicBool::new(false);

/// How a client ended: an index of CLOSED
const EOF: usize = 0;
const RESET: usize = 1;
const ERROR: usize = 2;
const STOP: usize = 3;

/// As models/runtimes/start passes it; 0: no limit, a request is what one read returns
fn argument<T: FromStr>(i: usize, initial: T) -> T {
    std::env::args().nth(i).map_or(initial, |word| {
        word.parse().unwrap_or_else(|_| {
            eprintln!("tokio: '{word}': not a number or an address");
            std::process::exit(2)
        })
    })
}

fn die(what: &str, error: Error) -> ! {
    eprintln!("tokio: {what}: {error}");
    std::process::exit(1)
}

/// The counters of a client; dropping it adds them to the totals.
pub struct Client {
    bytes_in: usize,
    bytes_out: usize,
    reads: usize,
    message: usize,
    closing: usize,
}

/// A client, or None: there are --max-clients already
pub fn admit() -> Option<Client> {
    let most: usize = argument(4, 0);
    if most > 0 && CONNECTED.load(SeqCst) >= most {
        REFUSED.fetch_add(1, SeqCst);
        return None;
    }
    CONNECTED.fetch_add(1, SeqCst);
    ACCEPTED.fetch_add(1, SeqCst);
    Some(Client {
        bytes_in: 0,
        bytes_out: 0,
        reads: 0,
        message: argument(3, 0),
        closing: STOP,
    })
}

impl Client {
    pub fn did_read(&mut self, n: usize) {
        self.bytes_in += n;
        self.reads += 1;
    }

    pub fn did_write(&mut self, n: usize) -> usize {
        self.bytes_out += n;
        n
    }

    pub fn closed_by(&mut self, ended: Result<()>) {
        self.closing = match ended.map_err(|error| error.kind()) {
            _ if STOPPING.load(SeqCst) => STOP,
            Ok(()) => EOF,
            Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => RESET,
            Err(_) => ERROR,
        };
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let requests = self
            .bytes_in
            .checked_div(self.message)
            .unwrap_or(self.reads);
        REQUESTS.fetch_add(requests, SeqCst);
        BYTES_IN.fetch_add(self.bytes_in, SeqCst);
        BYTES_OUT.fetch_add(self.bytes_out, SeqCst);
        CLOSED[self.closing].fetch_add(1, SeqCst);
        CONNECTED.fetch_sub(1, SeqCst);
    }
}

pub fn scheduler() -> Runtime {
    let mut builder = match argument(5, String::new()).as_str() {
        "current_thread" => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder
        .enable_all()
        .build()
        .unwrap_or_else(|error| die("scheduler", error))
}

/// Listens for the signals at once, and ends when one has come.
pub fn stopped() -> impl Future<Output = ()> {
    let asked = Arc::new(Notify::new());
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).unwrap_or_else(|error| die("signal", error));
        let stop = asked.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.notify_one();
        });
    }
    async move { asked.notified().await }
}

pub fn listen() -> TcpListener {
    let host = argument(1, IpAddr::V4(Ipv4Addr::LOCALHOST));
    let bind = || {
        let socket = if host.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(host, argument(2, 0)))?;
        socket.listen(BACKLOG)
    };
    bind().unwrap_or_else(|error| die("listen", error))
}

/// A lack of descriptors or memory can be temporary.
pub async fn accept_failed(error: Error) {
    eprintln!("tokio: accept: {error}");
    tokio::time::sleep(Duration::from_millis(10)).await;
}

pub fn ready(model: &str, listener: &TcpListener) {
    let at = listener
        .local_addr()
        .unwrap_or_else(|error| die("address", error));
    let pid = std::process::id();
    println!(
        "ready model={model} host={} port={} pid={pid}",
        at.ip(),
        at.port()
    );
}

/// Every close from now on counts as caused by the stop.
pub fn stop() {
    STOPPING.store(true, SeqCst);
}

/// Prints the closing line; null: not known
pub fn finish(model: &str) {
    let get = |counter: &AtomicUsize| counter.load(SeqCst);
    let [eof, reset, error, stop] = [0, 1, 2, 3].map(|i| get(&CLOSED[i]));
    let refused = get(&REFUSED);
    println!(
        "{{\"model\":\"{model}\",\"accepted\":{},\"refused\":{refused},\
         \"refused_by\":{{\"limit\":{refused},\"descriptors\":null,\"threads\":null}},\
         \"requests\":{},\"bytes_in\":{},\"bytes_out\":{},\
         \"closed\":{{\"eof\":{eof},\"reset\":{reset},\"error\":{error},\"stop\":{stop}}},\
         \"cpu_ns\":null}}",
        get(&ACCEPTED),
        get(&REQUESTS),
        get(&BYTES_IN),
        get(&BYTES_OUT)
    );
}
