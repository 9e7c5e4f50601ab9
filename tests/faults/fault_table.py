# SPDX-License-Identifier: MIT
"""The one table of system calls and errors: it generates the fault cases.

A case is a model, a call that the model makes after its ready line, an error
which that call can have for a while or for want of a resource, and how often.
Errors that only a wrong program gets (EBADF, EFAULT, ENOTSOCK) are not here.
Neither are calls that cannot fail so: close(2) frees its descriptor on Linux
whatever it returns, which an injected error would only hide; shutdown(2) and
futex(2) know no such error.
"""

import enum
from typing import NamedTuple


class Effect(enum.Enum):
    """What an error of a call may lead to, and nothing else may."""

    DELAYS = "nobody loses anything: the call is made again"
    CLOSES = "the client whose call it was is closed, and no other"
    REFUSES = "the client is closed before it is served, and counted so"
    LOSES = "the client's result is lost: it is closed, and counted so"
    ENDS = "the server ends with exit status 1 and says which call failed"


class When(enum.Enum):
    ONCE = "once"
    SEVERAL = "several"
    FOREVER = "forever"


class Call(NamedTuple):
    """A system call of a model.

    `strace` is a set as strace takes it: a ? allows for an architecture that
    has no such call. `first` is the how many-th call fails first: strace
    counts those of each thread, from when it was attached. `also` are other
    faults, without which the call is not made at all: (calls, error, (first,
    last)), where there may be no last, and not each of them may fail.
    `says` is the call's name in the message of a server that ends of it.
    `whens` are what of When makes sense.
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


_D, _C, _R, _L, _E = Effect

#: What each kind of call can fail with, and what may come of it.
ERRORS = {
    # accept(2), with the errors of the connection that Linux passes on
    "accept": {
        "EINTR": _D, "EAGAIN": _D, "ECONNABORTED": _D, "EPERM": _D,
        "EPROTO": _D, "ENOPROTOOPT": _D, "ENETDOWN": _D, "ENETUNREACH": _D,
        "EHOSTDOWN": _D, "EHOSTUNREACH": _D, "ENONET": _D, "EOPNOTSUPP": _D,
        "ETIMEDOUT": _D,
        "EMFILE": _D, "ENFILE": _D, "ENOBUFS": _D, "ENOMEM": _D,
        "EINVAL": _E},  # not listening: that does not pass
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


def _reserve(accept):
    """Opening the reserve descriptor again, after EMFILE took it."""
    return Call("openat", "?open,?openat", "reserve", first=1,
                also=((accept, "EMFILE", (2, 2)),))


#: What each model calls, from its ready line to its last client.
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
    "epoll": (
        _ACCEPT4, _RECV, _SEND, _reserve("?accept4"),
        Call("epoll_wait", "?epoll_wait,?epoll_pwait,?epoll_pwait2", "wait",
             says="epoll_wait"),
        Call("epoll_ctl_add", "epoll_ctl", "add"),
        # A reply that does not fit changes what is waited for.
        Call("epoll_ctl_mod", "epoll_ctl", "modify", first=1,
             also=(("?sendto", "EAGAIN", (2, None, 3)),)),
        # And so does a listener that rests: the first call adds the first
        # client, the second puts the listener to rest, the third wakes it.
        # The next ones add clients again: this one fails once only.
        Call("epoll_ctl_rest", "epoll_ctl", "rest", first=2,
             also=(("?accept4", "ENOBUFS", (2, 2)),), whens=(When.ONCE,)),
        Call("epoll_ctl_wake", "epoll_ctl", "rest", first=3,
             also=(("?accept4", "ENOBUFS", (2, 2)),), whens=(When.ONCE,))),
    # In glibc's threads, which make few calls each
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
    "uring": (
        Call("io_uring_enter", "io_uring_enter", "enter",
             says="io_uring_enter"),),
}

#: What is left out, and why.
LEFT_OUT = {
    ("aio", "pread64", "EINTR", When.FOREVER): "glibc tries again for ever",
    ("aio", "read", "EINTR", When.FOREVER): "glibc tries again for ever",
    ("aio", "pwrite64", "EINTR", When.FOREVER): "glibc tries again for ever",
    ("aio", "write", "EINTR", When.FOREVER): "glibc tries again for ever",
    ("aio", "accept", "EAGAIN", When.SEVERAL):
        "it says that nobody is left: the next look is a second later",
    ("aio", "rt_sigtimedwait", "EAGAIN", When.FOREVER):
        "the kernel says so only when a timeout has passed",
}


def _cases_of(model, call):
    for error, effect in ERRORS[call.kind].items():
        for when in call.whens:
            if effect is Effect.ENDS and when is not When.ONCE:
                continue  # once is all there is
            if (model, call.name, error, when) not in LEFT_OUT:
                yield Case(model, call, error, effect, when)


def cases(models):
    """All cases of these models: the full product."""
    return [case for model in models if model in CALLS
            for call in CALLS[model] for case in _cases_of(model, call)]


def chosen_by_default(all_cases):
    """Of the full product: every call with every error, and every When.

    One When for each pair of call and error, in turn; where a call has fewer
    errors than there are Whens, one error gets the rest.
    """
    chosen, seen = set(), {}
    pairs = {}
    for case in all_cases:
        pairs.setdefault((case.model, case.call.name, case.error),
                         []).append(case)
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
