#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Protection, roles, audit trail and zeroization, by the host's programs with a real card."""
import argparse
import json
import os
import sqlite3
import stat
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from deployment import DEADLINE_S, Deployment, wait_until  # noqa: E402

OK, FAILED, USAGE = 0, 1, 2
ARGUMENTS = argparse.Namespace()
PASSPHRASE = "a passphrase to look for"


class Case(unittest.TestCase):
    def setUp(self):
        self.it = Deployment(ARGUMENTS.bin, ARGUMENTS.lib)
        self.addCleanup(self.it.stop)
        self.be("nobody")
        self.addCleanup(os.environ.pop, "CIPHERDECK_TOKEN_FILE", None)
        self.code = self.it.code_file("code", "access code to look for")

    def be(self, person):
        """Each person keeps a token of their own."""
        os.environ["CIPHERDECK_TOKEN_FILE"] = str(self.it.root / f"token-{person}")

    def password(self, person):
        return self.it.code_file(f"password-{person}", f"password of {person}")

    def login(self, person):
        self.be(person)
        return self.run_ok("login", person, "--password-file", self.password(person))

    def add(self, person, *words):
        return self.run_ok("role", "add", person, *words, "--password-file", self.password(person))

    def run_ok(self, *words, **options):
        done = self.it.cli(*words, **options)
        self.assertEqual(done.returncode, OK, f"{words}: {done.stderr}")
        return done.stdout

    def run_fails(self, exit_code, pattern, *words, **options):
        done = self.it.cli(*words, **options)
        self.assertEqual(done.returncode, exit_code, f"{words}: {done.stdout}{done.stderr}")
        self.assertRegex(done.stderr, pattern)

    def generate(self, index, partition="blue"):
        return ("key", "generate", "--partition", partition, "--index", index,
                "--access-code-file", self.code)

    def restart_card(self):
        self.it.kill(self.it.card)
        self.it.start_card()
        wait_until("the card", lambda: self.it.cli("card", "status").returncode == 0)


class Protection(Case):
    def test_a_passphrase(self):
        self.it.start()
        file = self.it.code_file("passphrase", PASSPHRASE)
        self.run_fails(USAGE, "no passphrase.*--passphrase-file", "card", "init",
                       "--protect", "passphrase")
        self.run_ok("card", "init", "--protect", "passphrase", "--passphrase-file", file)
        self.run_ok("partition", "create", "blue")
        self.assertFalse((self.it.store / "management.key").exists())
        self.restart_card()
        self.assertEqual(self.it.json("card", "status")["state"], "locked")
        self.assertIn("card unlock", self.run_ok("card", "status"))
        self.run_fails(FAILED, "locked.*card unlock", "partition", "create", "green")
        wrong = self.it.code_file("wrong", "another passphrase")
        self.run_fails(FAILED, "cannot unlock the card: wrong passphrase", "card", "unlock",
                       "--passphrase-file", wrong)
        self.run_ok("card", "unlock", "--passphrase-file", "-", text=PASSPHRASE + "\n")
        self.assertEqual(self.it.json("card", "status")["state"], "ready")
        self.run_fails(FAILED, "not locked", "card", "unlock", "--passphrase-file", file)
        self.assertEqual(len(self.it.json("partition", "list")["partitions"]), 1)
        self.assertNotIn(PASSPHRASE, self.it.log_text())
        self.assertNotIn(PASSPHRASE.encode(), (self.it.store / "keys.db").read_bytes())

    def test_guessing_has_to_wait(self):
        self.it.start()
        self.run_ok("card", "init", "--protect", "passphrase", "--passphrase-file",
                    self.it.code_file("passphrase", PASSPHRASE))
        self.restart_card()
        wrong = self.it.code_file("wrong", "another passphrase")
        errors = [self.it.cli("card", "unlock", "--passphrase-file", wrong).stderr
                  for _ in range(6)]
        self.assertIn("wrong passphrase", errors[0])
        self.assertTrue(any("too soon" in error and "Wait" in error for error in errors), errors)

    def test_a_credential(self):
        credentials = self.it.root / "credentials"
        credentials.mkdir()
        key = credentials / "cipherdeck.key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o440)
        os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY", None)
        self.it.start()
        self.run_ok("card", "init", "--protect", "credential")
        self.restart_card()
        self.assertEqual(self.it.json("card", "status")["state"], "ready")
        key.write_bytes(os.urandom(32))
        self.restart_card()
        self.assertEqual(self.it.json("card", "status")["state"], "failed")
        self.assertIn("credential is not the one of this store", self.it.log_text())

    def test_it_can_be_changed(self):
        self.it.start()
        self.run_ok("card", "init")
        file = self.it.code_file("passphrase", PASSPHRASE)
        self.run_fails(FAILED, "no credential cipherdeck.key|key store could not", "card",
                       "protect", "--protect", "credential")
        self.run_ok("card", "protect", "--protect", "passphrase", "--passphrase-file", file)
        (self.it.store / "management.key").unlink()
        self.restart_card()
        self.run_ok("card", "unlock", "--passphrase-file", file)

    def test_a_card_is_zeroized(self):
        self.it.start()
        self.run_ok("card", "init")
        self.run_ok("vf", "create", 1)
        self.run_ok("partition", "create", "blue")
        self.run_ok("vf", "bind", "vf1", "blue")
        holder = self.it.hold(1)
        self.run_fails(USAGE, "--yes", "partition", "zeroize", "blue")
        self.run_ok("partition", "zeroize", "blue", "--yes")
        self.assertNotEqual(self.it.use(holder), 0, "a session of a partition that is gone")
        self.run_fails(USAGE, "--yes", "card", "zeroize")
        self.run_ok("card", "zeroize", "--yes")
        self.assertEqual(self.it.json("card", "status")["state"], "uninitialised")
        self.assertFalse((self.it.store / "management.key").exists())
        self.restart_card()
        self.run_ok("card", "init", "--label", "new life")


class Backup(Case):
    def test_two_of_three_restore_a_partition(self):
        self.it.start()
        self.run_ok("card", "init")
        self.run_ok("partition", "create", "blue")
        self.run_ok(*self.generate(1))
        keys = self.it.json("key", "list", "--partition", "blue")["keys"]
        file = self.it.root / "blue.backup"
        self.run_fails(FAILED, "threshold", "partition", "backup", "blue", "--to", file,
                       "--shares", 2, "--threshold", 3)
        self.run_ok("partition", "backup", "blue", "--to", file)
        shares = [Path(f"{file}.share{number}") for number in (1, 2, 3)]
        for path in (file, *shares):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.run_fails(FAILED, "File exists", "partition", "backup", "blue", "--to", file)
        restore = ("partition", "restore", "again", "--from", file)
        self.run_fails(FAILED, "too few", *restore, "--share", shares[0])
        self.run_fails(FAILED, "too few, damaged", *restore, "--share", shares[0],
                       "--share", shares[0])
        # As on another card: this one forgets all that it had.
        self.run_ok("card", "zeroize", "--yes")
        self.run_ok("card", "init")
        self.run_ok(*restore, "--share", shares[2], "--share", shares[0])
        self.assertEqual(self.it.json("key", "list", "--partition", "again")["keys"], keys)
        self.restart_card()
        self.assertEqual(self.it.json("key", "list", "--partition", "again")["keys"], keys)
        damaged = self.it.root / "damaged"
        damaged.write_text(shares[0].read_text().replace("a", "b"))
        self.run_fails(FAILED, "damaged", *restore, "--share", damaged, "--share", shares[1])
        self.run_fails(FAILED, "cannot read", *restore, "--share", self.it.root / "none")
        self.assertEqual(self.it.request("POST", "/v1/restore", b"x" * 3000000)[0], 413)


class Roles(Case):
    def setUp(self):
        super().setUp()
        self.it.start()
        self.run_ok("card", "init")
        self.run_ok("partition", "create", "blue")
        self.run_ok("partition", "create", "green")
        self.add("ann", "administrator")
        self.login("ann")
        self.add("bob", "operator", "--partition", "blue")
        self.add("eve", "auditor")

    def test_each_role_does_its_own(self):
        self.run_ok("vf", "create", 1)
        self.run_ok("vf", "bind", "vf1", "blue")
        self.run_fails(FAILED, "role.*does not allow", *self.generate(1))
        self.run_fails(FAILED, "role.*does not allow", "audit", "list")
        self.login("bob")
        self.run_ok(*self.generate(1))
        self.run_fails(FAILED, "does not allow", *self.generate(1, "green"))
        self.run_fails(FAILED, "does not allow", "vf", "create", 2)
        self.run_fails(FAILED, "does not allow", "vf", "share", "vf1", "--weight", 5)
        self.run_fails(FAILED, "does not allow", "partition", "remove", "green", "--yes")
        self.login("eve")
        self.run_ok("audit", "list")
        self.run_fails(FAILED, "does not allow", *self.generate(2))
        self.be("nobody")
        self.run_fails(FAILED, "nobody is logged in.*cipherdeck login", *self.generate(2))
        self.run_fails(FAILED, "nobody is logged in", "vf", "create", 2)
        self.run_ok("partition", "list")

    def test_logins(self):
        self.assertEqual({user["name"] for user in self.it.json("role", "list")["users"]},
                         {"ann", "bob", "eve"})
        token = Path(os.environ["CIPHERDECK_TOKEN_FILE"])
        self.assertEqual(stat.S_IMODE(token.stat().st_mode), 0o600)
        text = token.read_text()
        self.assertNotIn(text, self.it.log_text())
        self.run_ok("logout")
        self.assertFalse(token.exists())
        token.write_text(text)
        token.chmod(0o600)
        self.run_fails(FAILED, "nobody is logged in", "role", "list")
        self.run_fails(FAILED, "cannot log in: wrong", "login", "ann", "--password-file",
                       self.password("bob"))
        self.login("ann")
        self.restart_card()
        self.run_fails(FAILED, "nobody is logged in", "role", "list")
        self.login("bob")
        self.run_ok("role", "password", "bob", "--password-file", self.it.code_file("p", "password 2"))
        self.run_ok("login", "bob", "--password-file", self.it.root / "p")

    def test_users_cannot_be_removed_behind_the_card(self):
        self.it.kill(self.it.card)
        with sqlite3.connect(self.it.store / "keys.db") as store:
            store.execute("DELETE FROM user")
        self.it.start_card()
        wait_until("the card", lambda: self.it.cli("card", "status").returncode == 0)
        self.assertEqual(self.it.json("card", "status")["state"], "failed")
        self.assertIn("behind the card's back", self.it.log_text())

    def test_last_administrator_stays(self):
        self.run_fails(FAILED, "no administrator.*Add another", "role", "remove", "ann")
        self.run_fails(FAILED, "does not allow", "role", "remove", "eve")
        self.run_ok("role", "remove", "bob")
        self.run_fails(FAILED, "not found.*role list", "role", "remove", "bob")

    def test_the_audit_trail(self):
        self.login("bob")
        self.run_ok(*self.generate(1))
        self.run_fails(FAILED, "exists", *self.generate(1))
        self.login("eve")
        trail = json.loads(self.run_ok("audit", "export"))
        self.assertTrue(trail["report"]["whole"])
        acts = [(record["user"], record["action"], record["subject"], record["outcome"])
                for record in trail["records"]]
        self.assertIn(("", "card init", "", "done"), acts)
        self.assertIn(("ann", "role add", "bob", "done"), acts)
        self.assertIn(("bob", "key generate", "pair 1", "done"), acts)
        self.assertIn(("bob", "key generate", "pair 1", "exists already"), acts)
        self.assertEqual([record["number"] for record in trail["records"]],
                         list(range(1, len(acts) + 1)))
        self.assertNotIn("to look for", json.dumps(trail))
        self.assertIn("whole", self.run_ok("audit", "verify"))
        self.run_fails(USAGE, "--yes", "audit", "clear", "--up-to", 3)
        self.run_ok("audit", "clear", "--up-to", 3, "--yes")
        self.run_fails(FAILED, "no record 3", "audit", "clear", "--up-to", 3, "--yes")
        self.assertEqual(self.it.json("audit", "list")["records"][0]["number"], 4)
        self.it.kill(self.it.card)
        with sqlite3.connect(self.it.store / "keys.db") as store:
            store.execute("DELETE FROM audit WHERE number = 6")
        self.it.start_card()
        wait_until("the card", lambda: self.it.cli("card", "status").returncode == 0)
        self.login("eve")
        self.run_fails(FAILED, "record 6 is missing", "audit", "verify")
        self.assertIn("record 6 is missing", self.it.log_text())

    def test_the_api_refuses_what_is_malformed(self):
        for method, path, body, expected in [
                ("POST", "/v1/login", b"{}", 400), ("POST", "/v1/login", b'{"name":"ann"}', 400),
                ("POST", "/v1/login", b'{"name":"a/b","password":"12345678"}', 400),
                ("POST", "/v1/login", b'{"name":"ann","password":"12345678"}', 403),
                ("POST", "/v1/users", b'{"name":"x","role":"root","password":"12345678"}', 400),
                ("POST", "/v1/users", b'{"name":"x","role":"auditor","password":"12345678"}', 401),
                ("DELETE", "/v1/users/a%2fb", b"", 404), ("GET", "/v1/users", b"", 401),
                ("GET", "/v1/audit?from=x", b"", 400), ("GET", "/v1/audit?most=0", b"", 400),
                ("POST", "/v1/audit/clear", b'{"up_to":-1}', 400),
                ("POST", "/v1/card/init", b'{"passphrase":"12345678"}', 400),
                ("POST", "/v1/card/unlock", b'{"passphrase":"short"}', 400),
                ("PUT", "/v1/card/protection", b'{"protection":"none"}', 400),
                ("POST", "/v1/card/zeroize", b"", 401)]:
            with self.subTest(path=path, body=body):
                status, content = self.it.request(method, path, body)
                self.assertEqual(status, expected, content)
                self.assertEqual(set(json.loads(content)), {"error", "remedy"})


def memory_of(process):
    """All readable memory of a process, as root sees it."""
    with open(f"/proc/{process.pid}/maps") as maps, open(f"/proc/{process.pid}/mem", "rb", 0) as mem:
        for line in maps:
            extent, mode = line.split()[:2]
            if "r" not in mode or "[v" in line:
                continue
            start, end = (int(part, 16) for part in extent.split("-"))
            mem.seek(start)
            try:
                yield mem.read(end - start)
            except OSError:
                continue


@unittest.skipUnless(os.geteuid() == 0, "only root can look into these processes")
class Memory(Case):
    """A key file's bytes are known to the test: they wrap all keys, and are looked for."""

    def found(self, process, secret):
        return sum(part.count(secret) for part in memory_of(process))

    def test_root_keys_are_nowhere(self):
        self.it.store.mkdir(mode=0o700)
        root = os.urandom(32)
        file = self.it.store / "management.key"
        file.write_bytes(root)
        file.chmod(0o600)
        self.it.start()
        self.run_ok("card", "init")
        self.run_ok("vf", "create", 1)
        self.run_ok("partition", "create", "blue")
        self.run_ok("vf", "bind", "vf1", "blue")
        self.run_ok(*self.generate(1))
        holder = self.it.hold(1)
        self.assertEqual(self.it.use(holder), 0)
        serial = self.it.json("card", "status")["serial"].encode()
        self.assertGreater(self.found(self.it.card, serial), 0, "the search would find it")
        for process in (self.it.card, self.it.manager, holder):
            self.assertEqual(self.found(process, root), 0)
            self.assertEqual(self.found(process, root[:16]), 0)
        code = b"access code to look for"
        self.assertEqual(self.found(self.it.card, code), 0)
        self.assertNotIn(code, (self.it.store / "keys.db").read_bytes())

    def test_passphrases_are_nowhere_in_the_card(self):
        self.it.start()
        file = self.it.code_file("passphrase", PASSPHRASE)
        self.run_ok("card", "init", "--protect", "passphrase", "--passphrase-file", file)
        self.restart_card()
        self.run_ok("card", "unlock", "--passphrase-file", file)
        self.assertEqual(self.found(self.it.card, PASSPHRASE.encode()), 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="directory of the programs")
    parser.add_argument("--lib", required=True, help="directory of libsdf.so")
    known, rest = parser.parse_known_args(namespace=ARGUMENTS)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
