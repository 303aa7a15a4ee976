// SPDX-License-Identifier: Apache-2.0
// cipherdeck-hmac: writes PROGRAM.hmac, which a program compares itself with when it starts. Run
// when programs are built or installed, and by whoever changes them afterwards (strip).
#include "host/process/integrity.h"

#include <fcntl.h>

#include <cstdio>

int main(int argc, char** argv) {
  using namespace cipherdeck;
  if (argc != 2) {
    std::fprintf(stderr, "usage: cipherdeck-hmac PROGRAM\n");
    return 2;
  }
  const FileDescriptor file(open(argv[1], O_RDONLY | O_CLOEXEC));
  const auto mac = file ? process::program_mac(file.get()) : Error::io;
  if (!mac || !process::write_mac(argv[1], *mac)) {
    std::fprintf(stderr, "cipherdeck-hmac: cannot read %s or write %s.hmac\n", argv[1], argv[1]);
    return 1;
  }
  return 0;
}
