// SPDX-License-Identifier: MIT
/*
 * tokio.rs - a task per client, each awaits its reads; tokio polls the tasks that can go on
 *
 * Waits in:     await, which leaves the task; a worker thread calls epoll_wait(2)
 * Learns:       completion: read() returns bytes; inside, readiness, then recv
 * Per request:  recv + send, a poll of the task, and a share of one epoll_wait; maybe a
 *               recv that finds nothing (EAGAIN)
 * Costs:        a task with a buffer per client; a thread per CPU, unless
 *               --scheduler current_thread
 * Limits:       descriptors (RLIMIT_NOFILE), memory
 * Compare with: ../variants/coro.c - a task with a stack of its own; go.go
 * Try:          strace -f -c bin/tokio; bin/tokio --scheduler current_thread
 */
mod runtime;

use runtime::{admit, Client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SPACE: usize = 16 * 1024;

/// Until the client has ended. A stop drops the task where it awaits.
async fn echo(c: &mut Client, mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; SPACE];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        c.did_read(n);
        let mut sent = 0;
        while sent < n {
            sent += c.did_write(stream.write(&buffer[sent..n]).await?);
        }
    }
}

async fn serve_client(mut c: Client, stream: TcpStream) {
    let ended = echo(&mut c, stream).await;
    c.closed_by(ended);
}

async fn accept_clients(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                stream.set_nodelay(true).ok();
                if let Some(c) = admit() {
                    tokio::spawn(serve_client(c, stream));
                }
            }
            Err(error) => runtime::accept_failed(error).await,
        }
    }
}

async fn serve() {
    let stopped = runtime::stopped();
    let listener = runtime::listen();
    runtime::ready("tokio", &listener);
    tokio::spawn(accept_clients(listener));
    stopped.await;
}

fn main() {
    let scheduler = runtime::scheduler();
    scheduler.block_on(serve());
    runtime::stop();
    drop(scheduler); // ends every task
    runtime::finish("tokio");
}
