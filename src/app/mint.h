#pragma once
// The command that makes credentials: tokens of users and of sessions, and lines of [users].
// Invariant: a secret that is read is shown nowhere, and what is made goes to standard output alone.
// Thread: the caller's, which it blocks.

#include <string>

#include "app/question.h"
#include "app/terminal.h"
#include "base/result.h"

namespace sojourn {

// What the command line says; empty means not given.
struct MintCommand {
  std::string user;
  std::string session;  // the token is for this session only, and made by the running server
  std::string scope;    // read, write, control, admin
  std::string expires;  // 30m, 1h, 7d, or never
  bool is_single_use = false;
  bool is_hashing = false;  // a password on standard input becomes a line of [users]
  std::string config;       // of the server that is to take the token; its key counts
};

// Code::usage when the parts contradict each other.
[[nodiscard]] Result<> run_mint(Target const& target, MintCommand const& command, Terminal& terminal);

}  // namespace sojourn
