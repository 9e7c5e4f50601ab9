// SPDX-License-Identifier: MIT
/*
 * node.js - one thread; libuv waits and reads, and Node.js calls a function per result
 *
 * Waits in:     the event loop of libuv, which calls epoll_pwait(2)
 * Learns:       completion: the bytes that were read; inside, readiness and then read
 * Per request:  read + write, a change from C++ to JavaScript and back, and a share of
 *               one epoll_pwait
 * Costs:        a stream object per client; memory of 64 KiB per read, until it is
 *               collected; a heap of some 40 MiB from the start
 * Limits:       descriptors (RLIMIT_NOFILE); one thread, but for file system and DNS
 * Compare with: libuv.c - the same loop, in C
 * Try:          strace -f -c bin/node
 */
'use strict'
const net = require('net')
const { host, port, admit, finish, ready, stop } = require('./common/runtime.js')

function serve(socket) {
	const c = admit(socket)
	if (!c) {
		socket.destroy()
		return
	}
	let error
	const taken = () => socket.resume()
	socket.on('data', (data) => {
		c.bytes_in += data.length
		c.reads++
		socket.write(data, taken)
		// What the kernel has not taken is sent later. Until then, do not read.
		if (socket.writableLength > 0)
			socket.pause()
	})
	socket.on('error', (reason) => { error = reason })
	socket.on('close', () => {
		c.bytes_out = socket.bytesWritten - socket.writableLength
		c.end(error)
	})
}

// A client that shuts down its side gets the rest; then its socket is closed.
const server = net.createServer({ noDelay: true }, serve)

function end() {
	if (!server.listening)
		return
	process.once('exit', () => finish('node')) // every socket has been closed then
	server.close()
	for (const socket of stop())
		socket.destroy()
}

process.on('SIGTERM', end)
process.on('SIGINT', end)
server.on('error', (reason) => {
	console.error(`node: ${reason.message}`)
	process.exit(1)
})
server.listen({ host, port, backlog: 4096 }, () => ready('node', server.address()))
