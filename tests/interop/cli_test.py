#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Walks through the host's programs with a real card: commands, errors, JSON, restarts."""
import argparse
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from deployment import DEADLINE_S, Deployment, wait_until  # noqa: E402

OK, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3
CODE = "correct horse battery"
ARGUMENTS = argparse.Namespace()


class Case(unittest.TestCase):
    """Each test has a deployment of its own; `ready` ones have VFs and a partition with a key."""
    ready = True

    def setUp(self):
        self.it = Deployment(ARGUMENTS.bin, ARGUMENTS.lib)
        self.addCleanup(self.it.stop)
        self.code = self.it.code_file("blue.code", CODE)
        if self.ready:
            self.it.start()
            self.run_ok("card", "init", "--label", "rack 7")
            self.run_ok("vf", "create", 3)
            self.run_ok("partition", "create", "blue")
            self.run_ok("vf", "bind", "vf1", "blue")
            self.generate("blue", 1)

    def generate(self, partition, index, *more):
        self.run_ok("key", "generate", "--partition", partition, "--index", index,
                    "--access-code-file", self.code, *more)

    def run_ok(self, *words, **options):
        done = self.it.cli(*words, **options)
        self.assertEqual(done.returncode, OK, f"{words}: {done.stderr}")
        return done.stdout

    def run_fails(self, exit_code, pattern, *words, **options):
        done = self.it.cli(*words, **options)
        self.assertEqual(done.returncode, exit_code, f"{words}: {done.stdout}{done.stderr}")
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def keys(self, partition="blue"):
        return self.it.json("key", "list", "--partition", partition)["keys"]

    def user_keys(self, kind="pair"):
        return [key["index"] for key in self.keys() if key["kind"] == kind and key["index"] != 0]


class Engines(Case):
    """What needs no card."""
    ready = False

    def select(self, value):
        os.environ["CIPHERDECK_ENGINE"] = value
        self.addCleanup(os.environ.pop, "CIPHERDECK_ENGINE", None)

    def test_one_variant_of_each_algorithm_is_used(self):
        listing = self.it.json("engines")
        self.assertEqual({"sm2", "sm3", "sm4", "ghash"},
                         {algorithm["name"] for algorithm in listing["algorithms"]})
        for algorithm in listing["algorithms"]:
            used = [variant for variant in algorithm["variants"] if variant["used"]]
            self.assertEqual([variant["name"] for variant in used], [algorithm["used"]])
            self.assertTrue(used[0]["available"])
            self.assertTrue(set(used[0]["needs"]) <= set(listing["features"]))
            self.assertEqual(algorithm["variants"][-1]["name"], "portable")
        self.assertIn("CIPHERDECK_ENGINE is not set", self.run_ok("engines"))

    def test_the_selection_is_told(self):
        self.select("portable")
        listing = self.it.json("engines")
        self.assertEqual(listing["removed"], listing["features"])
        self.assertEqual({algorithm["used"] for algorithm in listing["algorithms"]}, {"portable"})
        self.assertIn("CIPHERDECK_ENGINE=portable took away", self.run_ok("engines"))

    def test_a_wrong_selection_names_the_right_ones(self):
        for wrong in ("fast", "-mmx", "sm4=fast", "portable,des=portable"):
            self.select(wrong)
            for command in (["engines"], ["bench", "engines"]):
                self.run_fails(USAGE, "CIPHERDECK_ENGINE: .*-gfni.*sm4=portable", *command)

    def test_rows_of_the_benchmark(self):
        rows = self.it.json("bench", "engines", "--seconds", 0.001, "--repeats", 1, "--bytes", 64)
        self.assertEqual(len({row["algorithm"] for row in rows}), 20)
        for row in rows:
            counted = "ops_per_s" if row["algorithm"][:3] in ("sm2", "sm9") else "mb_per_s"
            self.assertGreater(row[counted], 0)
            self.assertLessEqual(row[counted + "_min"], row[counted + "_max"])
        some = self.it.json("bench", "engines", "--seconds", 0.001, "--algorithm", "sm3",
                            "--bytes", 16, "--bytes", 4096, "--streams", 3)
        self.assertEqual([(row["algorithm"], row["bytes"], row["streams"]) for row in some],
                         [("sm3", 16, 3), ("sm3", 4096, 3)])

    def test_wrong_options_of_the_benchmark(self):
        for words in (["--algorithm", "sm9"], ["--streams", 0], ["--seconds", 0], ["--bytes", 0],
                      ["--bytes", 24], ["--bytes", "x"]):
            self.run_fails(USAGE, words[0], "bench", "engines", *words)
        self.run_fails(FAILED, "no processor 9999", "bench", "engines", "--cpu", 9999)


class Schemes(Case):
    """The experiment has a card of its own."""
    ready = False
    SHORT = ("bench", "schemes", "--repeats", 1, "--duration-ms", 5)

    def test_rows_and_report(self):
        report = self.it.root / "schemes.html"
        rows = self.it.json(*self.SHORT, "--tenants", 2, "--tenants", 1, "--html", report)
        self.assertEqual([(row["operation"], row["scheme"], row["tenants"]) for row in rows],
                         [(operation, scheme, tenants)
                          for operation in ("sm4-cbc", "sm4-ctr", "sm3", "sm2-sign")
                          for scheme, tenants in (("card", 1), ("passthrough", 1),
                                                  ("emulated", 2), ("emulated", 1),
                                                  ("direct", 2), ("direct", 1))])
        for row in rows:
            self.assertEqual(row["tenants_as"], "process")
            self.assertEqual("aggregate_mb_per_s" in row, row["operation"] != "sm2-sign")
            self.assertGreater(row["ops_per_s"], 0)
            self.assertEqual(row["results_checked"], 16 * row["tenants"])
            self.assertTrue(1 / row["tenants"] - 1e-9 <= row["jain"] <= 1 + 1e-9)
            self.assertLessEqual(row["p50_us"], row["p99_us"])
            if row["scheme"] == "card":
                self.assertEqual(row["ratio_to_card"], 1)
        html = report.read_text(encoding="utf-8")
        self.assertEqual(html.count("<figure>"), 4)
        self.assertEqual(html.count("<tr") - 1, len(rows))

    def test_all_256(self):
        rows = self.it.json(*self.SHORT, "--scheme", "direct", "--tenants", 256,
                            "--operation", "sm3", "--depth", 2)
        self.assertEqual([row["tenants"] for row in rows], [1, 256])
        self.assertEqual(rows[1]["results_checked"], 512)

    def test_a_chip(self):
        """What the tests' stand-in does is not called SM1."""
        rows = self.it.json(*self.SHORT, "--scheme", "direct", "--tenants", 2, "--operation", "sm3",
                            "--chip", self.it.lib.resolve() / "stand_in_chip.so")
        self.assertEqual([(row["operation"], row["tenants"]) for row in rows],
                         [("sm3", 1), ("sm3", 2), ("stand-in-cbc", 1), ("stand-in-cbc", 2)])
        self.run_fails(FAILED, "the chip does not work: it cannot be found", *self.SHORT,
                       "--chip", "/none")

    def test_what_is_missing(self):
        for words in (["--tenants-as", "container"], ["--tenants", 257], ["--bytes", 24]):
            self.run_fails(USAGE, words[0], *self.SHORT, *words)
        self.run_fails(FAILED, "no machine's command in /none.*tools/bench-guest", *self.SHORT,
                       "--tenants-as", "vm", "--machine", "/none")
        self.run_fails(FAILED, "/none", *self.SHORT, "--card-program", "/none")
        command = self.it.root / "command"
        command.write_text("/none\n", encoding="utf-8")
        self.run_fails(FAILED, r"(?s)the machine of vf1.sock: it ended.*/none cannot be executed",
                       *self.SHORT, "--tenants-as", "vm", "--machine", command,
                       "--scheme", "direct", "--tenants", 1)


class Sharing(Case):
    """What tenants are promised, on cards of its own; whether the aims are met is not looked at."""
    ready = False

    def test_rows(self):
        rows = self.it.json("bench", "sharing", "--repeats", 1, "--duration-ms", 20)
        self.assertEqual([row["aspect"] for row in rows],
                         ["latency", *3 * ["neighbour"], "weights", "peak", *3 * ["batching"],
                          *4 * ["scale"]])
        for row in rows[:-1]:
            self.assertGreater(row["value"], 0, row)
        self.assertEqual(rows[-3]["value"], 256)
        self.run_fails(FAILED, "/none", "bench", "sharing", "--card-program", "/none")


class NewCard(Case):
    ready = False

    def test_unreachable_manager(self):
        message = self.run_fails(UNREACHABLE, "cannot reach the manager at .*manager.sock: ",
                                 "card", "status")
        self.assertIn("Start cipherdeck-manager", message)
        done = self.it.cli("--json", "vf", "list")
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertEqual(set(json.loads(done.stderr)), {"error", "remedy"})

    def test_manager_without_a_card_and_then_with_one(self):
        self.it.run.mkdir()
        self.it.start_manager()
        self.run_fails(UNREACHABLE, "Start cipherdeckd", "card", "status")
        self.run_fails(UNREACHABLE, "Start cipherdeckd", "vf", "create", 2)
        self.it.start_card()
        wait_until("the card's state", lambda: self.it.cli("card", "status").returncode == OK)

    def test_card_without_a_management_key(self):
        self.it.start()
        self.assertEqual(self.it.json("card", "status")["state"], "uninitialised")
        self.assertIn("cipherdeck card init", self.run_ok("card", "status"))
        self.run_fails(FAILED, "not initialised.*cipherdeck card init", "partition", "create", "a")
        card = self.it.json("card", "init", "--label", "rack 7")
        self.assertEqual((card["state"], card["label"]), ("ready", "rack 7"))
        self.assertEqual(len(card["serial"]), 16)
        self.run_fails(FAILED, "initialised already", "card", "init")

    def test_usage(self):
        for words in [[], ["card"], ["vf", "create"], ["vf", "create", "0"], ["vf", "create", "257"],
                      ["vf", "bind", "vf0", "x"], ["vf", "bind", "eth0", "x"], ["no-such"],
                      ["key", "generate", "--partition", "x", "--index", "0"],
                      ["key", "generate", "--partition", "x", "--index", "4097"],
                      ["qemu-args", "vf1", "--format", "xen"], ["qemu-args", "1", "--memory", "x"]]:
            with self.subTest(words):
                self.assertEqual(self.it.cli(*words).returncode, USAGE)

    def test_help_and_version(self):
        for words in [[], ["card"], ["vf"], ["vf", "create"], ["partition"], ["key"],
                      ["key", "generate"], ["qemu-args"]]:
            with self.subTest(words):
                self.assertIn("Usage:", self.run_ok(*words, "--help"))
        self.assertIn("Exit codes:", self.run_ok("--help"))
        self.assertRegex(self.run_ok("--version"), r"^cipherdeck \d+\.\d+\.\d+$")
        for name in ["cipherdeckd", "cipherdeck-manager", "cipherdeck-tenant", "cipherdeck-verify",
                     "cipherdeck-load"]:
            done = self.it.program(name, "--version")
            self.assertRegex(done.stdout, rf"^{name} \d+\.\d+\.\d+$")
            self.assertEqual(self.it.program(name, "--no-such-option").returncode, USAGE)


class Partitions(Case):
    def test_names(self):
        self.assertEqual(self.it.json("partition", "create", "green")["name"], "green")
        self.run_fails(FAILED, "exists already", "partition", "create", "blue")
        for name in ["a b", "a/b", "17", "x" * 48, "ä", "a\nb", "-x"]:
            with self.subTest(name):
                done = self.it.cli("partition", "create", "--", name)
                self.assertEqual(done.returncode, FAILED, done.stdout)
                self.assertRegex(done.stderr, "name")
        names = [each["name"] for each in self.it.json("partition", "list")["partitions"]]
        self.assertEqual(sorted(names), ["blue", "green"])
        self.assertRegex(self.run_ok("partition", "list"), r"ID +NAME +KEY PAIRS[^\n]*\n +1 +blue")

    def test_removal(self):
        self.run_fails(USAGE, "destroys its keys.*--yes", "partition", "remove", "blue")
        self.run_fails(FAILED, "in use.*vf unbind", "partition", "remove", "blue", "--yes")
        self.run_ok("vf", "unbind", "1")
        self.run_ok("partition", "remove", "blue", "--yes")
        self.run_fails(FAILED, "there is no partition blue", "partition", "remove", "blue", "--yes")
        self.run_fails(FAILED, "there is no partition red", "key", "list", "--partition", "red")
        for name in ["../vfs", "", "a b", "x" * 48]:
            self.assertEqual(self.it.cli("key", "list", "--partition", name).returncode, USAGE)


class Keys(Case):
    def test_all_ways_to_give_the_access_code(self):
        self.run_ok("key", "generate", "--partition", "blue", "--index", 2, "--access-code-file",
                    "-", text=CODE)
        self.assertEqual(self.prompt("--index", "3", CODE, CODE), OK)
        self.assertEqual(self.prompt("--index", "4", CODE, CODE + "x"), FAILED)
        self.run_fails(USAGE, "there is no access code", "key", "generate", "--partition", "blue",
                       "--index", 4)
        self.run_fails(FAILED, "8 and 256", "key", "generate", "--partition", "blue", "--index", 4,
                       "--access-code-file", "-", text="seven77\n")
        self.run_fails(FAILED, "cannot read", "key", "generate", "--partition", "blue", "--index",
                       4, "--access-code-file", "/no/such/file")
        self.assertEqual(self.user_keys(), [1, 2, 3])

    def test_each_kind_is_called_by_its_name(self):
        for kind, name, more in [("pair", "Key pair 7", ()), ("rsa", "RSA key pair 7", ("--bits", 1024)),
                                 ("symmetric", "Symmetric key 7", ()), ("kek", "KEK 7", ())]:
            self.assertIn(f"{name} of partition blue is made",
                          self.run_ok("key", "generate", "--partition", "blue", "--kind", kind,
                                      "--index", 7, "--access-code-file", self.code, *more))
            self.assertIn(f"{name} of partition blue is gone",
                          self.run_ok("key", "remove", "--partition", "blue", "--kind", kind,
                                      "--index", 7, "--yes"))

    def prompt(self, *words):
        """Types two lines at a terminal; gives the exit code, and checks that nothing is shown."""
        *words, first, second = words
        child, terminal = pty.fork()
        if child == 0:
            program = str(self.it.bin / "cipherdeck")
            os.execv(program, [program, "--run-dir", str(self.it.run), "key", "generate",
                               "--partition", "blue", *words])
        shown = b""
        for question, answer in [(b"Access code: ", first), (b"Once more: ", second)]:
            while question not in shown:
                shown += os.read(terminal, 1024)
            os.write(terminal, answer.encode() + b"\n")
        try:
            while part := os.read(terminal, 1024):
                shown += part
        except OSError:  # the terminal's other end is closed
            pass
        os.close(terminal)
        self.assertNotIn(CODE.encode(), shown)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def test_list_and_removal(self):
        self.run_fails(FAILED, "exists already", "key", "generate", "--partition", "blue",
                       "--index", 1, "--access-code-file", self.code)
        key = next(key for key in self.keys() if key["index"] == 1)
        self.assertRegex(key["sign_public_key"], "^[0-9a-f]{128}$")
        self.assertNotEqual(key["sign_public_key"], key["encrypt_public_key"])
        self.assertRegex(self.run_ok("key", "list", "--partition", "blue"), r"pair +1 +256 ")
        self.run_fails(USAGE, "--yes", "key", "remove", "--partition", "blue", "--index", 1)
        self.run_ok("key", "remove", "--partition", "blue", "--index", 1, "--yes")
        self.assertEqual(self.user_keys(), [])
        self.run_fails(FAILED, "no such key", "key", "remove", "--partition", "blue", "--index", 1,
                       "--yes")

    def test_keks_have_indexes_of_their_own(self):
        self.run_ok("key", "generate", "--partition", "blue", "--index", 1, "--kek")
        self.generate("blue", 2, "--kek")
        self.assertEqual((self.user_keys("kek"), self.user_keys("pair")), ([1, 2], [1]))
        self.run_ok("key", "remove", "--partition", "blue", "--index", 1, "--kek", "--yes")
        self.assertEqual((self.user_keys("kek"), self.user_keys("pair")), ([2], [1]))

    def test_sm9_keys(self):
        for use in "sign", "encrypt":
            made = self.run_ok("key", "generate", "--partition", "blue", "--kind",
                               f"sm9-{use}-master", "--index", 1)
            self.assertRegex(made, r"Public key +[0-9a-f]{128}")
            self.generate("blue", 4, "--kind", f"sm9-{use}-user", "--user-id", "alice@example.org")
        users = [key for key in self.keys() if key["kind"] == "sm9-sign-user"]
        self.assertEqual([(key["index"], key["id"]) for key in users], [(4, "alice@example.org")])
        self.assertIn("alice@example.org", self.run_ok("key", "list", "--partition", "blue"))
        self.run_fails(FAILED, "no such key", "key", "generate", "--partition", "blue", "--kind",
                       "sm9-sign-user", "--index", 5, "--master", 9, "--user-id", "bob",
                       "--access-code-file", self.code)
        self.run_ok("key", "remove", "--partition", "blue", "--kind", "sm9-sign-user", "--index", 4,
                    "--yes")
        self.assertNotIn("sm9-sign-user", [key["kind"] for key in self.keys()])

    def test_a_new_access_code_takes_the_place_of_the_old(self):
        data = self.it.root / "data"
        data.write_bytes(b"abc")
        new_code = self.it.code_file("new.code", "another code entirely")

        def sign(code):
            return self.it.program("cipherdeck-tenant", "--file", data, "--access-code-file", code,
                                   "--out", self.it.root / "out")
        self.assertEqual(sign(self.code).returncode, OK)
        self.run_ok("key", "access-code", "--partition", "blue", "--index", 1,
                    "--access-code-file", new_code)
        refused = sign(self.code)
        self.assertEqual(refused.returncode, FAILED)
        self.assertIn("SDR_PRKRERR", refused.stderr)
        self.assertEqual(sign(new_code).returncode, OK)

    def test_a_lock_out_shows_and_is_lifted(self):
        wrong = self.it.code_file("wrong.code", "wrong code here")
        for _ in range(10):
            self.it.program("cipherdeck-tenant", "--try-key-index", 1, "--access-code-file", wrong)
        self.assertTrue(next(key for key in self.keys() if key["index"] == 1)["locked"])
        self.run_ok("key", "access-code", "--partition", "blue", "--index", 1,
                    "--access-code-file", self.code)
        self.assertFalse(next(key for key in self.keys() if key["index"] == 1)["locked"])

    def test_codes_are_in_no_log_and_no_store(self):
        self.generate("blue", 9, "--kek")
        self.it.request("POST", "/v1/partitions/blue/keys",
                        json.dumps({"kind": "pair", "index": 0, "access_code": CODE}).encode())
        self.assertNotIn(CODE, self.it.log_text())
        for path in self.it.store.rglob("*"):
            self.assertNotIn(CODE.encode(), path.read_bytes())


class Vfs(Case):
    def test_list_bind_unbind(self):
        vfs = self.it.json("vf", "list")["vfs"]
        self.assertEqual([vf["name"] for vf in vfs], ["vf1", "vf2", "vf3"])
        self.assertEqual(vfs[0]["partition"], {"id": 1, "name": "blue"})
        self.assertIsNone(vfs[1]["partition"])
        for vf in vfs:
            self.assertTrue(Path(vf["socket"]).is_socket())
        self.assertRegex(self.run_ok("vf", "list"), r"\nvf1 +blue \(1\) ")
        self.assertEqual(self.it.json("vf", "bind", "3", "1")["partition"]["name"], "blue")
        self.run_ok("vf", "unbind", "vf3")
        self.run_fails(FAILED, "there is no partition red", "vf", "bind", "vf2", "red")
        self.run_fails(FAILED, "there is no VF 4", "vf", "bind", "vf4", "blue")

    def test_vfs_in_use_are_left_alone(self):
        holder = self.it.hold(1)
        self.assertEqual(self.it.json("vf", "list")["vfs"][0]["queue_pairs"], 1)
        self.run_fails(FAILED, "VF 1 is in use.*--force", "vf", "create", 5)
        self.run_fails(FAILED, "VF 1 is in use.*--force", "vf", "remove")
        self.run_fails(FAILED, "in use", "vf", "unbind", "vf1")
        self.run_ok("vf", "create", 3)  # as many as there are
        self.assertEqual(self.it.use(holder), 0)
        self.assertEqual(len(self.it.json("vf", "create", "5", "--force")["vfs"]), 5)
        self.assertNotEqual(self.it.use(holder), 0)

    def test_a_client_without_queue_pairs_is_a_user_too(self):
        with socket.socket(socket.AF_UNIX) as machine:  # one whose driver is not loaded
            machine.connect(str(self.it.run / "vf2.sock"))
            self.run_fails(FAILED, "VF 2 is in use.*--force", "vf", "create", 5)
            self.run_fails(FAILED, "VF 2 is in use.*--force", "vf", "remove")
        wait_until("the VF to be free", lambda: self.it.cli("vf", "create", 5).returncode == OK)
        self.assertEqual(self.it.use(self.it.hold(1)), 0)

    def test_all_256(self):
        self.assertEqual(len(self.it.json("vf", "create", "256")["vfs"]), 256)
        self.run_ok("vf", "bind", "vf256", "blue")
        holder = self.it.hold(256)
        self.run_ok("vf", "remove", "--force")
        self.assertEqual(self.it.json("vf", "list")["vfs"], [])
        self.assertNotEqual(self.it.use(holder), 0)

    def test_qemu_arguments(self):
        arguments = self.it.json("qemu-args", "vf1", "2", "--memory", "512M")["arguments"]
        self.assertIn("memory-backend-memfd,id=cipherdeck-ram,size=512M,share=on", arguments)
        devices = [json.loads(each) for each in arguments if each.startswith("{")]
        self.assertEqual([device["driver"] for device in devices], ["vfio-user-pci"] * 2)
        for device, number in zip(devices, [1, 2]):
            self.assertEqual(device["socket"],
                             {"type": "unix", "path": str(self.it.run / f"vf{number}.sock")})
            self.assertTrue(any(each.startswith(f"pcie-root-port,id={device['bus']},")
                                for each in arguments))
        lines = self.run_ok("qemu-args", "vf1", "2", "--memory", "512M", "--format", "qemu")
        words = subprocess.run(["sh", "-c", "printf '%s\\0' " + lines], capture_output=True,
                               text=True, check=True).stdout.split("\0")[:-1]
        self.assertEqual(words, arguments)
        domain = ElementTree.fromstring(self.run_ok("qemu-args", "vf1", "--format", "libvirt"))
        self.assertEqual(domain.find("memoryBacking/access").get("mode"), "shared")
        self.assertEqual(domain.find("memoryBacking/source").get("type"), "memfd")
        values = [each.get("value") for each in domain.iter() if each.tag.endswith("}arg")]
        self.assertEqual(json.loads(values[-1]), devices[0])
        self.run_fails(FAILED, "there is no VF 9", "qemu-args", "9")
        self.assertIn("bound to no partition", self.it.cli("qemu-args", "3").stderr)


class Restarts(Case):
    def test_keys_and_vfs_outlive_a_killed_card(self):
        self.generate("blue", 7)
        before = self.keys()
        self.it.kill(self.it.card)
        self.run_fails(UNREACHABLE, "Start cipherdeckd", "card", "status")
        self.it.start_card()
        wait_until("the VFs", lambda: (self.it.run / "vf3.sock").is_socket() and
                   self.it.cli("vf", "list").stdout.count("\nvf") == 3)
        self.assertEqual(self.keys(), before)
        self.assertEqual(self.it.json("vf", "list")["vfs"][0]["partition"]["name"], "blue")
        self.assertEqual(self.it.use(self.it.hold(1)), 0)

    def test_a_killed_manager_disturbs_nobody(self):
        holder = self.it.hold(1)
        self.it.kill(self.it.manager)
        self.run_fails(UNREACHABLE, "cannot reach the manager", "vf", "list")
        self.assertEqual(self.it.use(holder), 0)
        self.it.start_manager()
        wait_until("the manager's connection",
                   lambda: self.it.cli("card", "status").returncode == OK)
        self.assertEqual(self.it.json("vf", "list")["vfs"][0]["queue_pairs"], 1)
        self.assertEqual(self.it.use(holder), 0)

    def test_both_killed(self):
        self.it.kill(self.it.manager)
        self.it.kill(self.it.card)
        self.it.start()
        wait_until("the VFs", lambda: len(self.it.json("vf", "list")["vfs"]) == 3)
        self.assertEqual(self.user_keys(), [1])

    def test_asked_to_end_they_do_so_in_order(self):
        for process, sign in [(self.it.manager, signal.SIGTERM), (self.it.card, signal.SIGINT)]:
            process.send_signal(sign)
            self.assertEqual(process.wait(DEADLINE_S), OK)
        self.assertEqual([path.name for path in self.it.run.iterdir() if path.is_socket()], [])

    def test_a_second_of_each_is_refused(self):
        other = self.it.root / "other"
        for options in [["--run-dir", self.it.run, "--store", other],
                        ["--run-dir", other, "--store", self.it.store]]:
            done = self.it.program("cipherdeckd", *options)
            self.assertEqual(done.returncode, FAILED)
            self.assertIn(f"another cipherdeckd (process {self.it.card.pid})", done.stderr)
        done = self.it.program("cipherdeck-manager", "--run-dir", self.it.run, "--state",
                               other / "state.json")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(f"process {self.it.manager.pid}", done.stderr)
        self.run_ok("card", "status")

    def test_a_lost_key_file_is_told(self):
        self.it.kill(self.it.card)
        (self.it.store / "management.key").unlink()
        done = subprocess.Popen([self.it.bin / "cipherdeckd", "--run-dir", self.it.run, "--store",
                                 self.it.store], stderr=subprocess.PIPE, text=True)
        self.it.card = done
        self.addCleanup(done.stderr.close)
        # Whether the card serves its failure or does not start, it must say so and use no other key.
        wait_until("an end or a state", lambda: done.poll() is not None or
                   self.it.cli("card", "status").returncode == OK)
        if done.poll() is None:
            self.assertEqual(self.it.json("card", "status")["state"], "failed")
        else:
            self.assertEqual(done.returncode, FAILED)
        self.assertFalse((self.it.store / "management.key").exists())

    def test_a_broken_state_file_is_told(self):
        self.it.kill(self.it.manager)
        self.it.state.write_text("{")
        done = self.it.program("cipherdeck-manager", "--run-dir", self.it.run, "--state",
                               self.it.state)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(str(self.it.state), done.stderr)


class Tenants(Case):
    def test_openssl_agrees_with_the_card(self):
        data = self.it.root / "data"
        for size in [0, 16, 524288, 1234567]:
            with self.subTest(size):
                data.write_bytes(os.urandom(size))
                out = self.it.root / f"out{size}"
                done = self.it.program("cipherdeck-tenant", "--file", data, "--access-code-file",
                                       self.code, "--out", out)
                self.assertEqual(done.returncode, OK, done.stderr)
                checked = self.it.program("cipherdeck-verify", "--file", data, "--results", out)
                self.assertEqual(checked.returncode, OK, checked.stdout + checked.stderr)
                self.assertEqual(checked.stdout.count("ok "), 5)
        for name in ["digest.bin", "cbc.bin", "gcm.bin", "gcm.tags", "signature.bin"]:
            with self.subTest(name):
                content = bytearray((out / name).read_bytes())
                content[-1] ^= 1
                (out / name).write_bytes(content)
                checked = self.it.program("cipherdeck-verify", "--file", data, "--results", out)
                self.assertEqual(checked.returncode, FAILED)
                self.assertEqual(checked.stdout.count("MISMATCH"), 1)
                content[-1] ^= 1
                (out / name).write_bytes(content)

    def test_a_tenant_cannot_use_the_keys_of_another(self):
        self.run_ok("partition", "create", "green")
        self.run_ok("vf", "bind", "vf2", "green")
        self.generate("green", 2)
        for vf, foreign in [(1, 2), (2, 1)]:
            done = self.it.program("cipherdeck-tenant", "--json", "--try-key-index", foreign,
                                   "--access-code-file", self.code, vf=vf)
            self.assertEqual(done.returncode, OK, done.stderr)
            tried = json.loads(done.stdout)["try_key"]
            self.assertTrue(tried["refused"])
            self.assertIn("SDR_KEYNOTEXIST", tried["sign"])
        own = self.it.program("cipherdeck-tenant", "--try-key-index", 2, "--access-code-file",
                              self.code, vf=2)
        self.assertEqual(own.returncode, FAILED, "the check itself must be able to fail")


class Hardening(Case):
    def test_what_the_processes_gave_up(self):
        for process in [self.it.card, self.it.manager]:
            status = Path(f"/proc/{process.pid}/status").read_text()
            self.assertRegex(status, r"NoNewPrivs:\s1")
            self.assertRegex(status, r"Seccomp:\s2")
            limits = Path(f"/proc/{process.pid}/limits").read_text()
            self.assertRegex(limits, r"Max core file size +0 +0 ")

    def test_who_may_open_what(self):
        def mode(path):
            return stat.S_IMODE(path.stat().st_mode)
        self.assertEqual(mode(self.it.store), 0o700)
        self.assertEqual(mode(self.it.run / "manager.sock"), 0o660)
        for name in ["pf.sock", "vf1.sock", "vf3.sock"]:
            self.assertEqual(mode(self.it.run / name), 0o600)

    def test_the_api_refuses_what_is_malformed(self):
        refused = [
            ("GET", "/", b"", 404), ("GET", "/v1/vfs/0", b"", 400), ("GET", "/v1/vfs/999", b"", 400),
            ("GET", "/v1/vfs/17", b"", 404), ("GET", "/v2/card", b"", 404),
            ("PUT", "/v1/vfs", b"", 400), ("PUT", "/v1/vfs", b"{", 400),
            ("PUT", "/v1/vfs", b'{"count":257}', 400), ("PUT", "/v1/vfs", b"\xff\xfe", 400),
            ("PUT", "/v1/vfs/1/partition", b'{"partition":[]}', 400),
            ("POST", "/v1/partitions", b'{"name":"a/b"}', 400),
            ("POST", "/v1/partitions", b'{"name":"a","x":1}', 400),
            ("DELETE", "/v1/partitions/%00", b"", 404), ("DELETE", "/v1/partitions/%ff", b"", 404),
            ("DELETE", "/v1/partitions/blue/keys/aes/1", b"", 400),
            ("DELETE", "/v1/partitions/blue/keys/pair/0", b"", 400),
            ("DELETE", "/v1/partitions/blue/keys/pair/99999999999", b"", 400),
            ("PUT", "/v1/partitions/blue/keys/pair/1/access-code", b'{"access_code":"x"}', 400),
            ("POST", "/v1/partitions", b"[" * 60000, 400),
            ("POST", "/v1/partitions", b"x" * 200000, 413)]
        for method, path, body, expected in refused:
            with self.subTest(path=path, body=body[:40]):
                status, content = self.it.request(method, path, body)
                self.assertEqual(status, expected, content[:200])
                self.assertEqual(set(json.loads(content)), {"error", "remedy"})
        self.assertEqual(self.user_keys(), [1])
        self.assertEqual(len(self.it.json("vf", "list")["vfs"]), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="directory of the programs")
    parser.add_argument("--lib", required=True, help="directory of libsdf.so")
    known, rest = parser.parse_known_args(namespace=ARGUMENTS)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
