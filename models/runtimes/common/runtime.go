// SPDX-License-Identifier: MIT
// What a server in Go needs beside its model: arguments, ready line, counters.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The counters of a client
type client struct {
	conn                     net.Conn
	bytesIn, bytesOut, reads int
}

var (
	lock     sync.Mutex // of all below but the last two
	clients  = map[*client]bool{}
	accepted int
	refused  int
	requests int
	bytesIn  int
	bytesOut int
	closed   = map[string]int{}
	serving  sync.WaitGroup
	stopping int32
)

// As models/runtimes/start passes it; 0: no limit, a request is what one read returns
func argument(i int, initial string) string {
	if len(os.Args) > i {
		return os.Args[i]
	}
	return initial
}

func number(i int) int {
	n, _ := strconv.Atoi(argument(i, "0"))
	return n
}

func address() string {
	return net.JoinHostPort(argument(1, "127.0.0.1"), argument(2, "0"))
}

// A client, or nil: there are --max-clients already
func admit(conn net.Conn) *client {
	lock.Lock()
	defer lock.Unlock()
	if most := number(4); most > 0 && len(clients) >= most {
		refused++
		return nil
	}
	c := &client{conn: conn}
	clients[c] = true
	accepted++
	return c
}

func closing(err error) string {
	switch {
	case isStopping():
		return "stop"
	case errors.Is(err, io.EOF):
		return "eof"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	}
	return "error"
}

// Adds its counters to the totals.
func (c *client) end(err error) {
	lock.Lock()
	defer lock.Unlock()
	delete(clients, c)
	bytesIn += c.bytesIn
	bytesOut += c.bytesOut
	if message := number(3); message > 0 {
		requests += c.bytesIn / message
	} else {
		requests += c.reads
	}
	closed[closing(err)]++
}

func begin(serve func()) {
	serving.Add(1)
	go func() {
		defer serving.Done()
		serve()
	}()
}

func isStopping() bool {
	return atomic.LoadInt32(&stopping) != 0
}

// SIGTERM and SIGINT end the wait in Accept.
func closeOnSignal(listener net.Listener) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		atomic.StoreInt32(&stopping, 1)
		listener.Close()
	}()
}

// A lack of descriptors or memory can be temporary.
func acceptFailed(err error) {
	if !isStopping() {
		fmt.Fprintln(os.Stderr, "go:", err)
		time.Sleep(10 * time.Millisecond)
	}
}

// Closes all, and waits until their goroutines have ended.
func dropClients() {
	lock.Lock()
	for c := range clients {
		c.conn.Close()
	}
	lock.Unlock()
	serving.Wait()
}

func die(err error) {
	fmt.Fprintln(os.Stderr, "go:", err)
	os.Exit(1)
}

func ready(model string, listener net.Listener) {
	at := listener.Addr().(*net.TCPAddr)
	fmt.Printf("ready model=%s host=%s port=%d pid=%d\n", model, at.IP, at.Port, os.Getpid())
}

// Prints the closing line; null: not known
func finish(model string) {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	fmt.Printf(`{"model":"%s","accepted":%d,"refused":%d,`+
		`"refused_by":{"limit":%d,"descriptors":null,"threads":null},`+
		`"requests":%d,"bytes_in":%d,"bytes_out":%d,`+
		`"closed":{"eof":%d,"reset":%d,"error":%d,"stop":%d},"cpu_ns":%d}`+"\n",
		model, accepted, refused, refused, requests, bytesIn, bytesOut,
		closed["eof"], closed["reset"], closed["error"], closed["stop"],
		used.Utime.Nano()+used.Stime.Nano())
}
