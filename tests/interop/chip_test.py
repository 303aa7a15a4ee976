#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The stand-in chip through everything: cipherdeckd --chip, a VF, libsdf, and the manager's word."""
import argparse
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from deployment import DEADLINE_S, Deployment, wait_until  # noqa: E402

ARGUMENTS = argparse.Namespace()
SDR_OK, SDR_HARDFAIL, SDR_ALGNOTSUPPORT = 0, 0x01000004, 0x01000009
ECB, CBC, CFB, OFB, MAC, CTR = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
SM1, SM4, STAND_IN = 0x100, 0x400, 0x80008000
KEY, IV = bytes(range(16)), bytes(range(100, 116))

# A tenant. For each line "ALGORITHM LENGTH" prints the SDR_ code and the output in hex.
USER = """
import ctypes, sys
sdf = ctypes.CDLL(sys.argv[1])
device, session, key = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
secret = bytes.fromhex(sys.argv[2])
code = (sdf.SDF_OpenDevice(ctypes.byref(device)) or
        sdf.SDF_OpenSession(device, ctypes.byref(session)) or
        sdf.SDF_ImportKey(session, secret, len(secret), ctypes.byref(key)))
print(code, flush=True)
for line in sys.stdin:
    algorithm, length = map(int, line.split())
    iv = ctypes.create_string_buffer(bytes.fromhex(sys.argv[3]), 16)
    out, out_len = ctypes.create_string_buffer(length), ctypes.c_uint(length)
    call = sdf.SDF_CalculateMAC if algorithm & 0xff == 0x10 else sdf.SDF_Encrypt
    code = call(session, key, ctypes.c_uint(algorithm), iv, bytes(length), length, out,
                ctypes.byref(out_len))
    print(code, out.raw[:out_len.value].hex() if code == 0 else "-", flush=True)
"""


class User:
    """A tenant's process on VF 1 or 2."""

    def __init__(self, test, vf):
        it = test.it
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, it.lib / "libsdf.so", KEY.hex(), IV.hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=it.tenant_environment(vf))
        it.holders.append(self.process)
        test.assertEqual(self.process.stdout.readline().strip(), "0")

    def ask(self, algorithm, length):
        self.process.stdin.write(f"{algorithm} {length}\n")
        self.process.stdin.flush()

    def answer(self):
        code, output = self.process.stdout.readline().split()
        return int(code), bytes.fromhex(output) if output != "-" else b""

    def encrypt(self, algorithm, length):
        self.ask(algorithm, length)
        return self.answer()


def openssl(mode, length):
    return subprocess.run(["openssl", "enc", f"-aes-128-{mode}", "-K", KEY.hex(), "-nopad",
                           *(["-iv", IV.hex()] if mode != "ecb" else [])],
                          input=bytes(length), capture_output=True, check=True).stdout


class Chips(unittest.TestCase):
    def start(self, *arguments, library="stand_in_chip", options=()):
        self.it = Deployment(ARGUMENTS.bin, ARGUMENTS.lib)
        self.addCleanup(self.it.stop)
        self.library = self.it.root / f"{library}.so"
        shutil.copy(self.it.lib / self.library.name, self.library)
        self.library.chmod(0o755)
        for argument in arguments:
            options = [*options, "--chip", f"{self.library}{argument}"]
        self.it.start(*options)
        for words in [("card", "init"), ("vf", "create", 2), ("partition", "create", "blue"),
                      ("vf", "bind", "vf1", "blue"), ("vf", "bind", "vf2", "blue")]:
            done = self.it.cli(*words)
            self.assertEqual(done.returncode, 0, done.stderr)

    def chips(self):
        return self.it.json("card", "status")["chips"]

    def assert_no_sm1(self, user):
        for mode in [ECB, CBC, CFB, OFB, MAC, CTR]:
            self.assertEqual(user.encrypt(SM1 | mode, 32)[0], SDR_ALGNOTSUPPORT)
        self.assertNotIn("chip-sm1", self.it.json("card", "status")["features"])

    def test_without_a_chip(self):
        self.start()
        self.assertEqual(self.chips(), [])
        user = User(self, 1)
        self.assert_no_sm1(user)
        self.assertEqual(user.encrypt(STAND_IN | CBC, 32)[0], SDR_ALGNOTSUPPORT)

    def test_a_stand_in_computes_what_openssl_does_and_is_not_sm1(self):
        self.start("")
        user = User(self, 1)
        for mode, name in [(ECB, "ecb"), (CBC, "cbc"), (CFB, "cfb"), (OFB, "ofb")]:
            for length in [16, 1 << 20]:  # libsdf cuts the longer one, and then the card does
                self.assertEqual(user.encrypt(STAND_IN | mode, length),
                                 (SDR_OK, openssl(name, length)), name)
        self.assertEqual(user.encrypt(STAND_IN | MAC, 64), (SDR_OK, openssl("cbc", 64)[-16:]))
        self.assert_no_sm1(user)
        chip, = self.chips()
        self.assertEqual(chip["state"], "working")
        self.assertTrue(chip["stand_in"])
        self.assertEqual(chip["algorithms"], [f"stand-in-{mode}" for mode in
                                              ["ecb", "cbc", "cfb", "ofb", "mac"]])
        self.assertEqual(chip["path"], str(self.library))
        self.assertGreater(chip["jobs"], 8)
        self.assertRegex(self.it.cli("card", "status").stdout,
                         r"Chip +stand-in \(AES-128\), not SM1 of CipherDeck project: working")

    def test_a_hung_chip_is_fenced_and_reported(self):
        self.start("=hold=1024", options=["--chip-deadline", "200"])
        victim, other = User(self, 1), User(self, 2)
        self.assertEqual(victim.encrypt(STAND_IN | CBC, 512)[0], SDR_OK)
        victim.ask(STAND_IN | CBC, 4096)
        for _ in range(10):
            self.assertEqual(other.encrypt(SM4 | CBC, 4096)[0], SDR_OK)
        self.assertEqual(victim.answer()[0], SDR_HARDFAIL)
        self.assertEqual(other.encrypt(STAND_IN | CBC, 16)[0], SDR_HARDFAIL)
        self.assertEqual(victim.encrypt(SM4 | CBC, 16)[0], SDR_OK)
        self.assert_no_sm1(other)
        chip, = self.chips()
        self.assertEqual(chip["state"], "fenced")
        self.assertRegex(chip["reason"], "did not finish a job of 4096 bytes.*restart cipherdeckd")
        self.assertIn(chip["reason"], self.it.cli("card", "status").stdout)
        wait_until("the log", lambda: "is fenced: it did not finish" in self.it.log_text())
        self.it.card.terminate()  # and the hung thread keeps nobody
        self.assertEqual(self.it.card.wait(DEADLINE_S), 0)

    def test_what_is_not_taken_is_told_and_the_card_serves(self):
        self.start("", "=2", library="stand_in_chip_claims_sm1")
        user = User(self, 1)
        self.assert_no_sm1(user)
        self.assertEqual(user.encrypt(SM4 | CBC, 16)[0], SDR_OK)
        for chip in self.chips():
            self.assertEqual(chip["state"], "refused")
            self.assertIn("stand-in and offers a standard's", chip["reason"])
            self.assertEqual(chip["algorithms"], [])

    def test_options_that_make_no_sense(self):
        self.it = Deployment(ARGUMENTS.bin, ARGUMENTS.lib)
        self.addCleanup(self.it.stop)
        for words, pattern in [(["--chip", "chip.so"], "absolute"),
                               (["--chip-deadline", "5"], "chip-deadline")]:
            done = self.it.program("cipherdeckd", "--run-dir", self.it.run, "--store",
                                   self.it.store, *words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(pattern, done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="directory of the programs")
    parser.add_argument("--lib", required=True, help="directory of libsdf.so and of the chips")
    _, rest = parser.parse_known_args(namespace=ARGUMENTS)
    unittest.main(argv=[sys.argv[0], *rest])
