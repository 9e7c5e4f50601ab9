# SPDX-License-Identifier: MIT
"""A server under test: start, connect, stop, counters."""

import functools
import json
import os
import pathlib
import select
import shlex
import signal
import socket
import stat
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("BIN") or "bin")

#: SLOW=1: an instrumented build (sanitizers, valgrind). Time limits are multiplied
#: by this, and memory is not checked.
SLOW = 10 if os.environ.get("SLOW", "0") not in ("", "0") else 1

#: How long a test waits for anything before it fails. Generous: the machine may be
#: busy.
PATIENCE_S = float(os.environ.get("PATIENCE", 20))

#: TSAN=1: the thread sanitizer defers a signal that arrives while the program enters
#: a blocking call until the call returns, which it does not. So signal again.
TSAN = os.environ.get("TSAN", "0") not in ("", "0")

#: The contract: a server ends within a second of the signal.
STOP_WITHIN_S = 1 * SLOW

#: Exit status: this kernel or its policy cannot run the model.
EXIT_UNSUPPORTED = 77


def models():
    """The names of all models, without their variants"""
    return sorted(path.stem for path in (TOP / "models").glob("*.c"))


def variants():
    """The names of the variants of models"""
    return sorted(path.stem for path in (TOP / "models/variants").glob("*.c"))


def runtimes():
    """The names of the servers in models/runtimes/"""
    return sorted(path.stem for path in (TOP / "models/runtimes").glob("*.*")
                  if path.suffix != ".md")


def source(name):
    """The file of a model, variant or runtime"""
    if name in runtimes():
        return next((TOP / "models/runtimes").glob(f"{name}.*"))
    folder = "models/variants" if name in variants() else "models"
    return TOP / folder / f"{name}.c"


@functools.lru_cache(maxsize=None)
def lacks(runtime):
    """What this machine lacks to run it, as it says itself; '' if nothing"""
    ran = subprocess.run([TOP / BIN / runtime, "--version"], capture_output=True,
                         text=True, check=False)
    return ran.stderr.strip() if ran.returncode == EXIT_UNSUPPORTED else ""


def how_it_ended(status):
    """Describes a return code of subprocess."""
    if status is None:
        return "is still running"
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with exit status {status}"


def make_device(path):
    """Creates a device like /dev/null; raises OSError if not permitted."""
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    path.open("w").close()


class ServerError(AssertionError):
    """The server broke its contract."""


class Unsupported(ServerError):
    """This machine cannot run it (exit status 77): the test is skipped."""


def is_foreign(program):
    """Whether it is a path or command of any program, and not the name of a model"""
    return "/" in str(program) or len(str(program).split()) > 1


#: In the command of a foreign server without a ready line
PORT = "{port}"


def command(program):
    """The words of the command, and the free port put in place of {port}, or None"""
    if not is_foreign(program):
        return [str(TOP / BIN / program)], None
    words = shlex.split(str(program))
    if not any(PORT in word for word in words):
        return words, None
    port = free_port()
    return [word.replace(PORT, str(port)) for word in words], port


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def listens(port):
    """Whether a process listens there. (Connecting would add a client.)"""
    for table in "/proc/net/tcp", "/proc/net/tcp6":
        with open(table, encoding="ascii") as rows:
            for row in rows:
                words = row.split()
                if words[1].endswith(f":{port:04X}") and words[3] == "0A":
                    return True
    return False


class Unknown:
    """A counter that a foreign server does not have: equal to every number."""

    def _agrees(self, _):
        return True

    def _with(self, _):
        return self

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _agrees
    __add__ = __radd__ = __sub__ = __rsub__ = _with


#: The counters of our models, and their parts
COUNTERS = {"accepted": (), "refused": (),
            "refused_by": ("limit", "descriptors", "threads"), "requests": (),
            "bytes_in": (), "bytes_out": (),
            "closed": ("eof", "reset", "error", "stop"), "cpu_ns": ()}


def with_unknown(counters):
    """The counters of a foreign server: Unknown where absent or null; anything else
    has to be a whole number."""
    def known(of, name):
        value = of.get(name)
        if value is not None and type(value) is not int:
            raise ServerError(f"{name!r} in the closing line is not a whole "
                              f"number: {value!r}")
        return Unknown() if value is None else value

    if not isinstance(counters, dict):
        raise ServerError(f"not a closing line: {counters!r}")
    whole = {"model": None, **counters}
    for name, parts in COUNTERS.items():
        of = counters.get(name) or {} if parts else None
        if parts and not isinstance(of, dict):
            raise ServerError(f"{name!r} in the closing line is no object")
        whole[name] = {part: known(of, part) for part in {*parts, *of}} \
            if parts else known(counters, name)
    return whole


class Server:
    """A running server; as a context manager it ends with its block.

    `program` is the name of a model, or a path or command of any other program, a
    foreign server: its counters may be None, SIGTERM may kill it, and with {port}
    in its command it needs no ready line. `wrapper` precedes the command (strace,
    setpriv, prlimit ...); the server is then the process in the ready line.
    """

    def __init__(self, program, *args, wrapper=(), env=None, stderr=None,
                 host=None):
        self.foreign = is_foreign(program)
        words, port = command(program)
        self.path = pathlib.Path(words[0])
        self.counters = None
        self._clients = []
        self._wrapped = bool(wrapper)
        if host:
            args = ("--host", host, *args)
        args = () if port else ("--port", "0", *args)
        self._process = subprocess.Popen(
            [*wrapper, *words, *args], stderr=stderr, cwd=TOP,
            stdout=subprocess.DEVNULL if port else subprocess.PIPE,
            env={**os.environ, **(env or {})})
        try:
            if port:
                self._wait_for(port)
            else:
                self._read_ready_line()
        except BaseException:
            self.kill()
            raise

    @staticmethod
    def program(name):
        """The path of the program"""
        return TOP / command(name)[0][0]

    def _read_ready_line(self):
        line = self.read_line()
        words = line.split()
        if not line and self.wait() == EXIT_UNSUPPORTED:
            raise Unsupported(f"{self.path.name} cannot run on this machine; "
                              "its message on stderr says why")
        if not words or words[0] != "ready":
            raise ServerError(f"not a ready line: {line!r}; the server "
                              f"{self.state()}")
        self.ready = dict(word.split("=", 1) for word in words[1:])
        host = self.ready.get("host", "127.0.0.1")
        self.host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self.port = int(self.ready["port"])
        self.pid = int(self.ready["pid"])
        if not self._wrapped and self.pid != self._process.pid:
            raise ServerError(f"{line!r}, but process {self._process.pid} "
                              "was started")

    def _wait_for(self, port):
        """Waits until it listens; its stdout is /dev/null."""
        self._process.stdout = open(os.devnull, "rb")
        self.host, self.port, self.pid = "127.0.0.1", port, self._process.pid
        if not eventually(lambda: listens(port) or not self.alive()) \
                or not self.alive():
            raise ServerError(f"does not listen on port {port}; the server "
                              f"{self.state()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _readable(self, timeout):
        """Whether stdout has data or EOF within `timeout` seconds"""
        stdout = select.poll()  # not select(): the descriptor may exceed FD_SETSIZE
        stdout.register(self._process.stdout, select.POLLIN)
        return bool(stdout.poll(timeout * 1000))

    def read_line(self, timeout=PATIENCE_S):
        """The next line on stdout; '' at EOF"""
        line = b""
        end = time.monotonic() + timeout
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left < 0 or not self._readable(left):
                raise ServerError(f"nothing on stdout for {timeout} s after "
                                  f"{line!r}")
            byte = os.read(self._process.stdout.fileno(), 1)
            if not byte:
                break
            line += byte
        return line.decode()

    def connect(self, timeout=PATIENCE_S, source=None):
        """A connected client socket."""
        sock = socket.create_connection((self.host, self.port), timeout,
                                        source)
        self._clients.append(sock)
        return sock

    def close_clients(self):
        """Otherwise a failed test would keep thousands of them until the end."""
        for sock in self._clients:
            sock.close()
        self._clients.clear()

    def send_signal(self, signo):
        os.kill(self.pid, signo)

    def wait(self, timeout=PATIENCE_S):
        """The exit status as in the shell: 143 if SIGTERM killed it"""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ServerError(f"still running after {timeout} s") from None
        return status if status >= 0 else 128 - status

    def stop(self, signo=signal.SIGTERM, within=PATIENCE_S):
        """Stops the server; returns its counters, checked for consistency."""
        begin = time.monotonic()
        self.send_signal(signo)
        counters = self.finish(within, signo)
        self.stop_took = time.monotonic() - begin
        return counters

    def finish(self, within=PATIENCE_S, signo=signal.SIGTERM):
        """As stop(), for a server that has got the signal already."""
        if TSAN and not self._readable(2):
            self.send_signal(signo)
        line = self.read_line(within)
        status = self.wait(within)
        killed = self.foreign and status == 128 + signo
        if status != 0 and not killed:
            raise ServerError(f"exit status {status}")
        if self.foreign and not line:
            return None
        if not line.endswith("\n"):
            raise ServerError(f"closing line is not whole: {line!r}")
        rest = self._process.stdout.read()
        if rest:
            raise ServerError(f"more on stdout after the closing line: {rest}")
        try:
            self.counters = json.loads(line)
        except ValueError:
            raise ServerError(f"not a closing line: {line!r}") from None
        if self.foreign:
            self.counters = with_unknown(self.counters)
        self._check_counters(self.counters)
        return self.counters

    @staticmethod
    def _check_counters(counters):
        for name, parts in {"model": (), **COUNTERS}.items():
            if name not in counters:
                raise ServerError(f"no {name!r} in {counters}")
            for part in parts:
                if part not in counters[name]:
                    raise ServerError(f"no {name} {part!r} in {counters}")
        if sum(counters["closed"].values()) != counters["accepted"]:
            raise ServerError(f"closed do not add up to accepted: {counters}")
        if sum(counters["refused_by"].values()) != counters["refused"]:
            raise ServerError(f"refused_by do not add up: {counters}")

    def kill(self):
        """Kills it, if it still runs."""
        if self._process.poll() is None:
            if self._wrapped and hasattr(self, "pid"):
                try:
                    os.kill(self.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                self._process.wait(0.5 if self._wrapped else 0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process.stdout.close()

    # As the kernel sees it

    def state(self):
        """Running, or how it ended"""
        return how_it_ended(self._process.poll())

    def alive(self):
        return self._process.poll() is None

    def scheduling_state(self):
        """S: the main thread sleeps, R: it runs or waits for a CPU"""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as stat_file:
            return stat_file.read().rpartition(")")[2].split()[0]

    def processes(self):
        """Its process id, and those of its children, ended ones not yet waited for
        included"""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as pids:
            return [self.pid, *map(int, pids.read().split())]

    def _sum(self, of_process):
        """Of all its processes that have not ended in the meantime"""
        values = [of_process(self.pid)]
        for pid in self.processes()[1:]:
            try:
                values.append(of_process(pid))
            except OSError:
                pass
        return sum(values)

    def descriptors(self):
        """(A forking server can reply before it has closed its own copy.)"""
        return self._sum(lambda pid: len(os.listdir(f"/proc/{pid}/fd")))

    def threads(self):
        return self._sum(lambda pid: len(os.listdir(f"/proc/{pid}/task")))

    def sleeps(self):
        """How often its main thread has slept so far"""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status
                        if line.startswith("voluntary_ctxt_switches"))

    def wait_for_traffic(self, sleeps=10):
        """Returns when it has slept that much more often: clients come and send, which
        takes them long to begin on a busy machine."""
        before = self.sleeps()
        assert eventually(lambda: self.sleeps() >= before + sleeps)

    def resident_bytes(self):
        def of_process(pid):
            with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return self._sum(of_process)

    def cpu_s(self):
        """CPU time of all its threads so far, by the scheduler's clock"""
        # clock_getcpuclockid(3) of another process: ~pid << 3 | CPUCLOCK_SCHED
        return self._sum(lambda pid: time.clock_gettime((~pid << 3) | 2))


def receive(sock, size):
    """Receives `size` bytes, or fewer if the server closes."""
    parts = []
    while size > 0:
        part = sock.recv(min(size, 1 << 16))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def eventually(condition, timeout=PATIENCE_S, every=0.01):
    """True as soon as `condition()` is; False after `timeout`."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
