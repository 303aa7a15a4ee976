# SPDX-License-Identifier: Apache-2.0
"""Initial file systems for the guests of tools/run-guest and tools/emulate."""
import os
import re
import stat
import subprocess
from pathlib import Path


class Initrd:
    """Builds a cpio archive (newc) in memory."""

    def __init__(self):
        self._parts = []
        self._names = set()

    def add(self, name, mode, data=b""):
        name = name.strip("/")
        if not name or name in self._names:
            return
        self.add(os.path.dirname(name), stat.S_IFDIR | 0o755)
        self._names.add(name)
        self._entry(name, mode, data)

    def add_folders(self, *names):
        for name in names:
            self.add(name, stat.S_IFDIR | 0o755)

    def add_console(self):
        """Until devtmpfs is mounted the first process writes to this one."""
        self.add("dev/console", stat.S_IFCHR | 0o600)

    def add_program(self, name, data):
        self.add(name, stat.S_IFREG | 0o755, data)

    def add_file(self, host, guest, library_folder=None):
        """Adds a file, or a folder with all in it, and the libraries that its programs need: into
        library_folder of the guest, or where they are here."""
        self._add_tree(host, guest, lambda path: self._add_libraries(path, library_folder))

    def add_data(self, host, guest):
        self._add_tree(host, guest, lambda path: None)

    def finish(self):
        self._entry("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _add_tree(self, host, guest, add_needed):
        if host.is_dir():
            for child in sorted(host.iterdir()):
                self._add_tree(child, f"{guest}/{child.name}", add_needed)
            return
        data = host.read_bytes()
        self.add(guest, stat.S_IFREG | (host.stat().st_mode & 0o777), data)
        if data[:4] == b"\x7fELF":
            add_needed(host)

    def _add_libraries(self, path, folder):
        for name, library in shared_libraries(path):
            guest = f"{folder}/{name}" if folder and "/" not in name else library
            self.add_program(guest, Path(library).read_bytes())

    def _entry(self, name, mode, data):
        raw = name.encode() + b"\0"
        fields = [len(self._parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        entry = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        entry += b"\0" * (-len(entry) % 4) + data
        self._parts.append(entry + b"\0" * (-len(entry) % 4))


def shared_libraries(path):
    """(name, file here) of each library that the program or library at path needs. The loader is
    named by its place."""
    listing = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        if match := re.match(r"\s*(\S+) => (/\S+)", line):
            yield match[1], match[2]
        elif match := re.match(r"\s*(/\S+) \(", line):
            yield match[1], match[1]
