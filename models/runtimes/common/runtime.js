// SPDX-License-Identifier: MIT
// What a server in JavaScript needs beside its model: arguments, ready line, counters.
'use strict'

// As models/runtimes/start passes them; 0: no limit, a request is what one read returns
const [host = '127.0.0.1', port = 0, message = 0, maxClients = 0] = process.argv.slice(2)
	.map((word, i) => (i > 0 ? Number(word) : word))

const clients = new Set()
const totals = { accepted: 0, refused: 0, requests: 0, bytes_in: 0, bytes_out: 0 }
const closed = { eof: 0, reset: 0, error: 0, stop: 0 }
let stopping = false

function closing(error) {
	if (stopping)
		return 'stop'
	if (!error)
		return 'eof'
	return ['ECONNRESET', 'EPIPE'].includes(error.code) ? 'reset' : 'error'
}

// The counters of a client
class Client {
	constructor(socket) {
		this.socket = socket
		this.bytes_in = this.bytes_out = this.reads = 0
	}

	end(error) {
		clients.delete(this)
		totals.requests += message ? Math.floor(this.bytes_in / message) : this.reads
		totals.bytes_in += this.bytes_in
		totals.bytes_out += this.bytes_out
		closed[closing(error)]++
	}
}

// A client, or null: there are --max-clients already, or it comes after the stop
function admit(socket) {
	if (stopping)
		return null
	if (maxClients && clients.size >= maxClients) {
		totals.refused++
		return null
	}
	const c = new Client(socket)
	totals.accepted++
	clients.add(c)
	return c
}

function ready(model, at) {
	console.log(`ready model=${model} host=${at.address} port=${at.port} pid=${process.pid}`)
}

// Every close from now on counts as caused by the stop. Returns what remains.
function stop() {
	stopping = true
	return [...clients].map((c) => c.socket)
}

// Prints the closing line; null: not known
function finish(model) {
	const cpu = process.cpuUsage()
	console.log(JSON.stringify({
		model, ...totals,
		refused_by: { limit: totals.refused, descriptors: null, threads: null },
		closed, cpu_ns: (cpu.user + cpu.system) * 1000,
	}))
}

module.exports = { host, port, admit, finish, ready, stop }
