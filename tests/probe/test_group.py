# SPDX-License-Identifier: MIT
"""probe does not cause SIGHUP in the process group that it runs in.

Without job control (no terminal: a CI, a cron job), a process group is orphaned. The
kernel sends SIGHUP to all its members if one of them is stopped while another one ends
whose parent is in the same session, but in another group. So probe must not stop a
process, and its keeper must not be such a parent.
"""

import subprocess
import sys

import probes
import pytest

#: Leads a session, and so an orphaned process group. Prints how many SIGHUP it got.
LEADER = """
import os, signal, subprocess, sys
hung_up = []
signal.signal(signal.SIGHUP, lambda *_: hung_up.append(1))
leader = os.getpid()

def probe(times):
    for _ in range(times):
        subprocess.run([sys.argv[1], "--quiet", "true"], check=False)
{}
print(len(hung_up))
"""

#: Another member of the group is stopped when the program ends.
ONE_IS_STOPPED = """
with subprocess.Popen(["sleep", "60"]) as member:
    member.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, member.pid, os.WSTOPPED)
    probe(3)
    member.kill()
"""

#: Members whose parent is in another group end, again and again.
OTHERS_END = """
parent = os.fork()
if parent == 0:
    os.setpgid(0, 0)
    while os.getppid() == leader:
        if os.fork() == 0:
            os.setpgid(0, leader)
            os._exit(0)
        os.wait()
    os._exit(0)
probe(10)
os.kill(parent, signal.SIGKILL)
os.waitpid(parent, 0)
"""


@pytest.mark.parametrize("meanwhile", [ONE_IS_STOPPED, OTHERS_END],
                         ids=["one is stopped", "others end"])
def test_no_sighup(meanwhile):
    ran = subprocess.run([sys.executable, "-c", LEADER.format(meanwhile),
                          probes.PROBE], start_new_session=True, timeout=60,
                         stdout=subprocess.PIPE, text=True, check=True)
    assert int(ran.stdout) == 0
