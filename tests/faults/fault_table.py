# SPDX-License-Identifier: MIT
"""The table of system calls and errors from which the fault cases are generated.

A case is a model, a call that it makes after the ready line, an error, and how
often the call fails. The errors are temporary or due to a lack of a resource;
those of a wrong program (EBADF, EFAULT, ENOTSOCK) are not here. close(2) is not
here, because on Linux it frees the descriptor whatever it returns; nor are
shutdown(2) and futex(2), which have no such errors.
"""

import enum
from typing import NamedTuple

import server


class Effect(enum.Enum):
    """The only permitted effect of an error."""

    DELAYS = "the call is repeated; no client is affected"
    CLOSES = "the client of the call is closed, and no other"
    DROPS = "the client of the call is closed, and counted as refused if it is new"
    REFUSES = "the client is closed before it is served, and counted as refused"
    LOSES = "the result is lost; the client is closed, and counted as lost"
    ENDS = "the server ends with exit status 1 and names the call"


class When(enum.Enum):
    ONCE = "once"
    SEVERAL = "several"
    FOREVER = "forever"


class Call(NamedTuple):
    """A system call of a model.

    `strace` is the set as strace takes it; ? permits that an architecture lacks the
    call. `first` is the number of the first failing call; strace counts per
    thread, from when it attached. `also` are further faults, (calls, error,
    (first, last)), without which the call is not made. `says` is the name of the
    call in the message of a server that ends. `whens` are the applicable Whens.
    """

    name: str
    strace: str
    kind: str
    first: int = 2
    also: tuple = ()
    says: str = ""
    whens: tuple = tuple(When)


class Case(NamedTuple):
    model: str
    call: Call
    error: str
    effect: Effect
    when: When

    def __str__(self):
        return "-".join((self.model, self.call.name, self.error,
                         self.when.value))


_D, _C, _X, _R, _L, _E = Effect

#: The errors of each kind of call, and their effects
ERRORS = {
    # accept(2), with the errors of the connection that Linux passes on
    "accept": {
        "EINTR": _D, "EAGAIN": _D, "ECONNABORTED": _D, "EPERM": _D,
        "EPROTO": _D, "ENOPROTOOPT": _D, "ENETDOWN": _D, "ENETUNREACH": _D,
        "EHOSTDOWN": _D, "EHOSTUNREACH": _D, "ENONET": _D, "EOPNOTSUPP": _D,
        "ETIMEDOUT": _D,
        "EMFILE": _D, "ENFILE": _D, "ENOBUFS": _D, "ENOMEM": _D,
        "EINVAL": _E},  # not listening: permanent
    "recv": {
        "ECONNRESET": _C, "EINTR": _D, "EAGAIN": _D, "ETIMEDOUT": _C,
        "EHOSTUNREACH": _C, "ENETDOWN": _C, "ENOBUFS": _C, "ENOMEM": _C},
    "send": {
        "EPIPE": _C, "EINTR": _D, "EAGAIN": _D, "ECONNRESET": _C,
        "ETIMEDOUT": _C, "EHOSTUNREACH": _C, "ENETDOWN": _C, "ENOBUFS": _C,
        "ENOMEM": _C},
    "wait": {"EINTR": _D, "EAGAIN": _D, "ENOMEM": _D, "EINVAL": _E},
    "enter": {"EINTR": _D, "EAGAIN": _D, "EBUSY": _D, "ENOMEM": _D,
              "EINVAL": _E},
    "add": {"ENOMEM": _R, "ENOSPC": _R},
    "modify": {"ENOMEM": _C},
    "arm": {"ENOMEM": _X},
    "rest": {"ENOMEM": _D},
    "thread": {"EAGAIN": _R, "ENOMEM": _R, "EPERM": _R},
    "reserve": {"EMFILE": _R, "ENFILE": _R, "ENOMEM": _R, "EINTR": _R},
    "pause": {"EINTR": _D},
    "notify": {"EAGAIN": _L},
}

_ACCEPT = Call("accept", "?accept", "accept", says="accept")
_ACCEPT4 = Call("accept4", "?accept4", "accept", says="accept4")
_RECV = Call("recvfrom", "?recvfrom", "recv", first=3)
_SEND = Call("sendto", "?sendto", "send", first=3)


def _reserve(accept, first=2):
    """Opening the reserve descriptor again, after EMFILE took it."""
    return Call("openat", "?open,?openat", "reserve", first=1,
                also=((accept, "EMFILE", (first, first)),))


#: Of epoll, level-triggered
EPOLL_CALLS = (
    _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
    Call("epoll_wait", "?epoll_wait,?epoll_pwait,?epoll_pwait2", "wait",
         says="epoll_wait"),
    Call("epoll_ctl_add", "epoll_ctl", "add"),
    # A short write makes it wait for EPOLLOUT.
    Call("epoll_ctl_mod", "epoll_ctl", "modify", first=1,
         also=(("?sendto", "EAGAIN", (2, None, 3)),)),
    # A pause of accepting: the first call adds the first client, the second
    # disables the listening socket, the third enables it. Later ones add
    # clients, so these fail only once.
    Call("epoll_ctl_rest", "epoll_ctl", "rest", first=2,
         also=(("?accept4", "ENOBUFS", (2, 2)),), whens=(When.ONCE,)),
    Call("epoll_ctl_wake", "epoll_ctl", "rest", first=3,
         also=(("?accept4", "ENOBUFS", (2, 2)),), whens=(When.ONCE,)))

#: The calls of each model after its ready line
CALLS = {
    "thread": (
        _ACCEPT, _RECV, _SEND, _reserve("?accept"),
        Call("clone3", "?clone3,?clone", "thread"),
        Call("nanosleep", "?nanosleep,?clock_nanosleep", "pause", first=1,
             also=(("?accept", "ENOBUFS", (2, 4)),))),
    "busypoll": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4")),
    "select": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
        Call("select", "?select,?pselect6", "wait", says="select")),
    "poll": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
        Call("poll", "?poll,?ppoll", "wait", says="poll")),
    "epoll": EPOLL_CALLS,
    "epoll_et": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
        Call("epoll_wait", "?epoll_wait,?epoll_pwait,?epoll_pwait2", "wait",
             says="epoll_wait"),
        Call("epoll_ctl_add", "epoll_ctl", "add")),
    "delayloop": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
        Call("nanosleep", "?nanosleep,?clock_nanosleep", "pause")),
    "sigio": (
        _ACCEPT, _RECV, _SEND, _reserve("?accept"),
        Call("rt_sigtimedwait", "?rt_sigtimedwait,?rt_sigtimedwait_time64",
             "wait", says="sigtimedwait"),
        Call("fcntl", "fcntl", "add")),
    # Each thread counts its own calls: only those of the clients' kind
    "epoll_multi": (
        Call("accept4", "?accept4", "accept", first=1, says="accept4"),
        _RECV, _SEND,
        Call("epoll_wait", "?epoll_wait,?epoll_pwait,?epoll_pwait2", "wait",
             says="epoll_wait")),
    "coro": EPOLL_CALLS,
    # epoll_ctl: the workers arm a client again, the main thread adds one.
    "threadpool": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
        Call("epoll_wait", "?epoll_wait,?epoll_pwait,?epoll_pwait2", "wait",
             says="epoll_wait"),
        Call("epoll_ctl", "epoll_ctl", "arm", first=1)),
    "process": (
        _ACCEPT, _RECV, _SEND, _reserve("?accept"),
        Call("ppoll", "ppoll", "wait", first=1, says="ppoll"),
        Call("clone", "?clone,?clone3", "thread")),
    # Idle workers are in their first accept when strace attaches. An accept that fails
    # for ever is repeated by each of them: that is not idle.
    "prefork": (
        _ACCEPT._replace(first=1, whens=(When.ONCE, When.SEVERAL)), _RECV, _SEND,
        _reserve("?accept", first=1)._replace(whens=(When.ONCE, When.FOREVER)),
        Call("nanosleep", "?nanosleep,?clock_nanosleep", "pause", first=1,
             also=(("?accept", "ENOBUFS", (1, 3)),))),
    "aio_callback": (
        _ACCEPT, _reserve("?accept"),
        Call("poll", "?poll,?ppoll", "wait", first=1, says="poll"),
        Call("pread64", "pread64", "recv"),
        Call("read", "read", "recv"),
        Call("pwrite64", "pwrite64", "send"),
        Call("write", "write", "send")),
    # In threads of glibc, which make few calls each
    "aio": (
        _ACCEPT, _reserve("?accept"),
        Call("rt_sigtimedwait", "?rt_sigtimedwait,?rt_sigtimedwait_time64",
             "wait", says="sigtimedwait"),
        Call("pread64", "pread64", "recv"),
        Call("read", "read", "recv"),
        Call("pwrite64", "pwrite64", "send"),
        Call("write", "write", "send"),
        Call("rt_sigqueueinfo", "rt_sigqueueinfo", "notify")),
    # accept, recv and send are the ring's: see test_uring_faults.py
    **{model: (Call("io_uring_enter", "io_uring_enter", "enter",
                    says="io_uring_enter"),)
       for model in ("uring", "uring_batch", "uring_bundle", "uring_multishot",
                     "uring_sqpoll")},
}

#: These try every client in every iteration, and take EAGAIN as no data.
TRY_ALL = {"busypoll", "delayloop"}

#: Excluded cases, with the reason
LEFT_OUT = {
    **{(model, call, "EINTR", When.FOREVER): "glibc tries again for ever"
       for model in ("aio", "aio_callback")
       for call in ("pread64", "read", "pwrite64", "write")},
    **{(model, call, "EAGAIN", when):
       "it means drained or full, and that a change will be reported"
       for model in ("epoll_et", "sigio")
       for call in ("accept", "accept4", "recvfrom", "sendto")
       for when in When},
    ("aio", "accept", "EAGAIN", When.SEVERAL):
        "it means an empty queue: the next attempt is a second later",
    **{(model, "rt_sigtimedwait", "EAGAIN", When.FOREVER):
       "the kernel returns it only after a timeout" for model in ("aio", "sigio")},
}


def _cases_of(model, call):
    for error, effect in ERRORS[call.kind].items():
        for when in call.whens:
            if effect is Effect.ENDS and when is not When.ONCE:
                continue  # the server has ended
            if (model, call.name, error, when) not in LEFT_OUT:
                yield Case(model, call, error, effect, when)


def cases(models):
    """All cases of these models"""
    return [case for model in models if model in CALLS
            for call in CALLS[model] for case in _cases_of(model, call)]


def chosen_by_default(all_cases):
    """Every call with every error, and every call with every When: one When per
    pair of call and error, in rotation; missing ones are added. Of a variant, every
    call with every effect: what the errors mean is decided in models/common.
    """
    chosen, seen = set(), {}
    pairs, variants = {}, server.variants()
    for case in all_cases:
        fault = case.effect if case.model in variants else case.error
        pairs.setdefault((case.model, case.call.name, fault), []).append(case)
    for (model, name, _), whens in pairs.items():
        of_call = seen.setdefault((model, name), [])
        new = [case for case in whens if case.when not in of_call]
        rarest = min(new or whens, key=lambda case: of_call.count(case.when))
        of_call.append(rarest.when)
        chosen.add(rarest)
    for case in all_cases:
        of_call = seen[(case.model, case.call.name)]
        if case.when not in of_call:
            of_call.append(case.when)
            chosen.add(case)
    return chosen
