// SPDX-License-Identifier: MIT
/*
 * go.go - a goroutine per client, each in its own Read; the runtime waits for all
 *
 * Waits in:     Read, which parks the goroutine; the scheduler calls epoll_pwait(2)
 * Learns:       completion: Read returns bytes; inside, read(2), and readiness after EAGAIN
 * Per request:  read + write, a read that finds nothing (EAGAIN), a switch of
 *               goroutines, and a share of one epoll_pwait
 * Costs:        a stack and a buffer per client; threads of the runtime: two or more,
 *               even with one CPU
 * Limits:       descriptors (RLIMIT_NOFILE), memory
 * Compare with: ../thread.c - the same code, a thread of the kernel per client;
 *               ../variants/coro.c
 * Try:          strace -f -c bin/go; bin/go --gomaxprocs 1
 */
package main

import (
	"net"
)

const space = 16 * 1024

// Until the client has ended
func echo(c *client, conn net.Conn) error {
	buffer := make([]byte, space)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		c.bytesIn += n
		c.reads++
		n, err = conn.Write(buffer[:n])
		c.bytesOut += n
		if err != nil {
			return err
		}
	}
}

func serveClient(c *client, conn net.Conn) {
	err := echo(c, conn)
	conn.Close()
	c.end(err)
}

func main() {
	listener, err := net.Listen("tcp", address())
	if err != nil {
		die(err)
	}
	closeOnSignal(listener)
	ready("go", listener)
	for !isStopping() {
		conn, err := listener.Accept()
		if err != nil {
			acceptFailed(err)
			continue
		}
		if c := admit(conn); c != nil {
			begin(func() { serveClient(c, conn) })
		} else {
			conn.Close()
		}
	}
	dropClients()
	finish("go")
}
