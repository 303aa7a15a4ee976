# SPDX-License-Identifier: Apache-2.0
"""A card and its manager in a directory of their own, and the programs that talk to them."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEADLINE_S = 30

# A tenant that holds a session, and uses it when it is told to. Prints the SDR_ code of each step.
HOLDER = """
import ctypes, sys
sdf = ctypes.CDLL(sys.argv[1])
device, session = ctypes.c_void_p(), ctypes.c_void_p()
code = sdf.SDF_OpenDevice(ctypes.byref(device)) or sdf.SDF_OpenSession(device, ctypes.byref(session))
print(code, flush=True)
for line in sys.stdin:
    print(sdf.SDF_GenerateRandom(session, 16, ctypes.create_string_buffer(16)), flush=True)
"""


def wait_until(what, condition):
    """Polls; a card on a busy machine takes its time."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited {DEADLINE_S} s in vain for: {what}")


class Deployment:
    def __init__(self, bin_dir, lib_dir):
        self.bin = Path(bin_dir)
        self.lib = Path(lib_dir)
        self.root = Path(tempfile.mkdtemp(prefix="cipherdeck-cli-"))
        self.run = self.root / "run"
        self.store = self.root / "store"
        self.state = self.root / "state" / "state.json"
        self.logs = self.root / "logs"
        self.logs.mkdir()
        self.programs = {}  # other files than those in `bin`, by name
        self.card = None
        self.manager = None
        self.holders = []

    # ---- the two services

    def _start(self, name, *options):
        with open(self.logs / name, "ab") as log:
            return subprocess.Popen([self.programs.get(name, self.bin / name), "--run-dir", self.run,
                                     *options],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_card(self, *options):
        self.card = self._start("cipherdeckd", "--store", self.store, "--log-level", "debug",
                                *options)
        wait_until("the card's socket", lambda: self.listens("pf.sock"))

    def start_manager(self):
        self.manager = self._start("cipherdeck-manager", "--state", self.state)
        wait_until("the manager's socket", lambda: self.listens("manager.sock"))

    def start(self, *card_options):
        self.start_card(*card_options)
        self.start_manager()
        wait_until("the manager's connection", lambda: self.cli("card", "status").returncode == 0)

    def stop(self):
        for process in [*self.holders, self.manager, self.card]:
            if process and process.poll() is None:
                process.terminate()
                process.wait(DEADLINE_S)
        for holder in self.holders:
            holder.stdin.close()
            holder.stdout.close()
        shutil.rmtree(self.root)

    def listens(self, name):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                # Connecting would take the place of the one client that the PF serves.
                if name == "pf.sock":
                    return (self.run / name).is_socket() and self._bound(self.run / name)
                probe.connect(str(self.run / name))
                return True
            except OSError:
                return False

    @staticmethod
    def _bound(path):
        hidden = path.with_name("." + path.name)  # the name it is made under
        return any(line.split()[-1] == str(hidden)
                   for line in Path("/proc/net/unix").read_text().splitlines()[1:])

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_S)

    def log_text(self):
        return "".join(log.read_text(errors="replace") for log in self.logs.iterdir())

    # ---- the programs

    def cli(self, *words, text=None):
        return subprocess.run([self.bin / "cipherdeck", "--run-dir", self.run, *map(str, words)],
                              input=text, stdin=subprocess.DEVNULL if text is None else None,
                              capture_output=True, text=True, timeout=DEADLINE_S * 2)

    def json(self, *words):
        done = self.cli("--json", *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def program(self, name, *words, vf=1):
        return subprocess.run([self.bin / name, *map(str, words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=self.tenant_environment(vf),
                              timeout=DEADLINE_S * 4)

    def tenant_environment(self, vf):
        return {**os.environ, "CIPHERDECK_DEVICE": f"unix:{self.run}/vf{vf}.sock"}

    def hold(self, vf):
        """A process that has a session on a VF."""
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, self.lib / "libsdf.so"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env=self.tenant_environment(vf))
        self.holders.append(holder)
        code = holder.stdout.readline().strip()
        assert code == "0", f"cannot open vf{vf}: {code}"
        return holder

    @staticmethod
    def use(holder):
        holder.stdin.write("\n")
        holder.stdin.flush()
        return int(holder.stdout.readline())

    def request(self, method, path, body=b"", length=None):
        """One request as bytes, for what the CLI would never send. Gives status and body."""
        head = (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                f"Content-Length: {len(body) if length is None else length}\r\n\r\n").encode()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE_S)
            client.connect(str(self.run / "manager.sock"))
            client.sendall(head + body)
            answer = b""
            while part := client.recv(65536):
                answer += part
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), content

    def code_file(self, name, code):
        path = self.root / name
        path.write_text(code + "\n")
        path.chmod(0o600)
        return path
