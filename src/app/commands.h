#pragma once
// The commands that ask a running server: find it, put the question, show the answer to a person or a program.
// Invariant: nothing the server says reaches a terminal unescaped. Thread: the caller's, which they block.

#include <string>
#include <string_view>

#include "app/terminal.h"
#include "base/error.h"
#include "base/result.h"

namespace sojourn {

// What every command of this kind is given on the command line; empty means not given.
struct Target {
  std::string server;
  std::string data;
  bool json = false;
};

struct FoundServer {
  std::string url;
  std::string source;  // "--server", "SOJOURN_SERVER", or the path of the record
};

// --server, else SOJOURN_SERVER, else the record that a running server keeps in the data folder.
// Code::unavailable naming where was looked. Does not connect.
[[nodiscard]] Result<FoundServer> find_server(Target const& target, Environment const& environment);

// The class of failure that an HTTP status of 300 and above stands for.
[[nodiscard]] Code to_code(int http_status);

[[nodiscard]] Result<> list_sessions(Target const& target, Terminal& terminal);
[[nodiscard]] Result<> show_session(Target const& target, std::string const& id, Terminal& terminal);
[[nodiscard]] Result<> list_tabs(Target const& target, std::string const& id, Terminal& terminal);
[[nodiscard]] Result<> close_session(Target const& target, std::string const& id, Terminal& terminal);

// `message` is the JSON object {"type","data"}, or "-" for one on standard input. Code::invalid for anything else,
// without asking the server.
[[nodiscard]] Result<> send_message(Target const& target, std::string const& id, std::string const& message,
                                    Terminal& terminal);

}  // namespace sojourn
