#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The error state of the real card: what is provoked, what tenants get, what the operator reads."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from deployment import DEADLINE_S, Deployment, wait_until  # noqa: E402

ARGUMENTS = argparse.Namespace()
SDR_OK, SDR_HARDFAIL, SDR_RANDERR = 0, 0x01000004, 0x01000017
SM3_OF_ABC = bytes.fromhex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
START_NOISE = 4 * (4096 + 128)  # start-up and first seed of four generators: a card with one worker

# Draws 16 bytes at a time until that fails; prints the SDR_ code and how often it went well.
DRAWER = """
import ctypes, sys
sdf = ctypes.CDLL(sys.argv[1])
device, session = ctypes.c_void_p(), ctypes.c_void_p()
code = sdf.SDF_OpenDevice(ctypes.byref(device)) or sdf.SDF_OpenSession(device, ctypes.byref(session))
out, num = ctypes.create_string_buffer(16), 0
while code == 0 and num < int(sys.argv[2]):
    code = sdf.SDF_GenerateRandom(session, 16, out)
    num += code == 0
print(code, num)
"""


class Health(unittest.TestCase):
    def setUp(self):
        self.it = Deployment(ARGUMENTS.bin, ARGUMENTS.lib)
        self.addCleanup(self.it.stop)

    def make_ready(self):
        for words in [("card", "init"), ("vf", "create", 1), ("partition", "create", "blue"),
                      ("vf", "bind", "vf1", "blue")]:
            done = self.it.cli(*words)
            self.assertEqual(done.returncode, 0, done.stderr)

    def copy_program(self):
        """The card's program in another place, to be changed there."""
        program = self.it.root / "cipherdeckd"
        shutil.copy(self.it.bin / "cipherdeckd", program)
        shutil.copy(self.it.bin / "cipherdeckd.hmac", program.with_name("cipherdeckd.hmac"))
        self.it.programs["cipherdeckd"] = program
        return program

    def change(self, program, old, new):
        content = program.read_bytes()
        self.assertIn(old, content)
        program.write_bytes(content.replace(old, new))

    def draw(self, most=1):
        done = subprocess.run([sys.executable, "-c", DRAWER, self.it.lib / "libsdf.so", str(most)],
                              env=self.it.tenant_environment(1), capture_output=True, text=True,
                              timeout=DEADLINE_S * 2)
        code, num = done.stdout.split()
        return int(code), int(num)

    def assert_fails_with(self, pattern, reason="self-test"):
        status = self.it.json("card", "status")
        self.assertEqual(status["state"], "failed")
        self.assertRegex(status["health"]["fault"], pattern)
        self.assertRegex(status["reason"], reason)
        shown = self.it.cli("card", "status").stdout
        self.assertRegex(shown, "State +failed")
        self.assertRegex(shown, "Fault +.*" + pattern)
        wait_until("the log", lambda: re.search(pattern, self.it.log_text()))
        refused = self.it.cli("partition", "create", "green")
        self.assertEqual(refused.returncode, 3, refused.stderr)

    # ---- a card that works

    def test_on_demand_and_by_itself(self):
        self.it.start("--self-test-interval", "1")
        self.make_ready()
        report = self.it.json("card", "self-test")
        self.assertTrue(report["passed"])
        names = [test["name"] for test in report["tests"]]
        for name in ["integrity", "sm2/portable", "sm3/portable", "sm4/portable", "ghash/portable",
                     "sm4-gcm", "sm2-exchange"]:
            self.assertIn(name, names)
        self.assertTrue(all(test["passed"] and test["time_ms"] >= 0 for test in report["tests"]))
        self.assertRegex(self.it.cli("card", "self-test").stdout, "integrity +passed")
        random = self.it.json("card", "test-random", "--level", "periodic")
        self.assertTrue(random["passed"])
        self.assertEqual({test["samples"] for test in random["tests"]}, {20})
        self.assertRegex(self.it.cli("card", "test-random").stdout, "poker m=4 +passed")
        health = self.it.json("card", "status")["health"]
        self.assertEqual((health["fault"], health["interval_s"]), ("", 1))
        self.assertGreaterEqual(health["random_tests"], 2)  # that at the start, and ours
        runs = health["self_tests"]
        wait_until("a test by itself",
                   lambda: self.it.json("card", "status")["health"]["self_tests"] > runs)
        self.assertEqual(self.draw(100), (SDR_OK, 100))

    def test_levels_are_known(self):
        self.it.start()
        done = self.it.cli("card", "test-random", "--level", "all")
        self.assertEqual(done.returncode, 2)
        status, body = self.it.request("POST", "/v1/card/random-test", b'{"level": "all"}')
        self.assertEqual(status, 400, body)

    # ---- what the card keeps in memory

    def test_keys_are_locked_in_memory_and_never_dumped(self):
        self.it.start()
        self.make_ready()
        process = Path(f"/proc/{self.it.card.pid}")
        limits = re.search(r"Max core file size +(\S+) +(\S+)", (process / "limits").read_text())
        self.assertEqual(limits.groups(), ("0", "0"))
        flags = [set(line.split()[1:]) for line in (process / "smaps").read_text().splitlines()
                 if line.startswith("VmFlags")]
        locked = [each for each in flags if "lo" in each]
        # A generator for the worker, the tests and the management; the management key.
        self.assertGreaterEqual(len([each for each in locked if "dd" in each]), 1)
        self.assertEqual(len(locked), len([each for each in locked if "dd" in each]),
                         "locked pages that a core dump would have")
        self.assertGreaterEqual(len([each for each in locked if "wf" in each]), 1)
        vm_locked = re.search(r"VmLck:\s+(\d+)", (process / "status").read_text())
        self.assertGreaterEqual(int(vm_locked.group(1)), 16)  # KiB
        # Not dumpable: its files in /proc are root's whoever runs it.
        self.assertEqual((process / "environ").stat().st_uid, 0)

    # ---- a program that is not what was built

    def test_a_changed_program_refuses_service(self):
        program = self.copy_program()
        self.change(program, b"The CipherDeck card: serves", b"The CipherDeck card, serves")
        self.it.start()
        self.assert_fails_with("self-test integrity failed")
        report = self.it.cli("--json", "card", "self-test")
        self.assertEqual(report.returncode, 1)
        self.assertRegex(report.stdout, '"integrity",\\s+"passed": false')

    def test_a_program_without_its_value_refuses_service(self):
        self.copy_program().with_name("cipherdeckd.hmac").unlink()
        self.it.start()
        self.assert_fails_with("self-test integrity failed")

    def test_a_wrong_answer_stops_the_card(self):
        program = self.copy_program()
        self.change(program, SM3_OF_ABC, SM3_OF_ABC[:-1] + b"\x00")
        subprocess.run([self.it.bin / "cipherdeck-hmac", program], check=True)
        self.it.start()
        self.assert_fails_with("self-test sm3/[a-z0-9]+ failed")
        self.assertNotIn("integrity failed", self.it.log_text())

    # ---- a random source that is none

    def noise(self, good):
        path = self.it.root / "hwrng"
        path.write_bytes(os.urandom(good) + bytes(1 << 20))
        return path

    def test_noise_that_turns_constant_stops_the_card_in_service(self):
        self.it.start("--noise", self.noise(START_NOISE))
        self.make_ready()
        self.assertIn("hwrng", self.it.json("card", "status")["random"])
        code, num = self.draw(100_000)
        self.assertEqual(code, SDR_RANDERR)
        self.assertGreater(num, 10_000)
        self.assertEqual(self.draw()[0], SDR_HARDFAIL)
        self.assert_fails_with("the random source failed", reason="noise|random")
        self.assertRegex(self.it.cli("card", "status").stdout,
                         "Alarms +2, the last: noise source hwrng failed its health test again")

    def test_noise_that_is_bad_at_the_start(self):
        self.it.start("--noise", self.noise(0))
        self.assert_fails_with(".", reason="noise|random")
        wait_until("the alarm", lambda: "noise source hwrng failed" in self.it.log_text())

    def test_noise_that_is_not_there(self):
        self.it.start("--noise", self.it.root / "none")
        self.assert_fails_with("cannot open noise source .*/none", reason="noise|random")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="directory of the programs")
    parser.add_argument("--lib", required=True, help="directory of libsdf.so")
    _, rest = parser.parse_known_args(namespace=ARGUMENTS)
    unittest.main(argv=[sys.argv[0], *rest])
