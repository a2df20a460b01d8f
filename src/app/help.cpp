#include "app/help.h"

#include <array>

namespace sojourn {
namespace {

constexpr std::string_view program_help =
    R"(Sojourn: a session server for AI agents, the browsers they drive and the people they work with.

Usage: sojourn COMMAND [OPTIONS]

Commands
  serve           run the server until it is told to end
  sessions        list the connected sessions
  show ID         show one session
  send ID JSON    send a message to a session
  tabs ID         list the tabs of a session's browser
  close ID        close a session
  doctor          check this machine: what it offers, what is in the way

Options of every command
  --json          answer for programs
  --server URL    the server to ask (also SOJOURN_SERVER; otherwise the one that runs on the data folder)
  --data DIR      the data folder (also SOJOURN_DATA; otherwise ~/.local/share/sojourn)
  -h, --help      help, also of a command: sojourn serve --help
  -V, --version   the version

Examples
  sojourn serve
  sojourn sessions
  sojourn send ext_1234567890ab '{"type":"navigate","data":{"url":"https://example.com"}}'

Exit codes: 0 done, 64 wrong usage, 65 bad message, 66 no such session, 69 no server or browser, 75 try again,
76 strange answer, 77 not allowed, 78 wrong configuration
)";

constexpr std::string_view serve_help = R"(Run the server until it is told to end (SIGTERM or Ctrl-C).

Usage: sojourn serve [OPTIONS]

  --listen ADDRESS[=DIALECT]  PORT, HOST:PORT or [IPv6]:PORT, loopback only; dialects are extension (the default),
                              sessions and monitor; may be repeated; default localhost:5409; port 0 is any free one
  --documented-ports          listen on localhost:5409 (extension), :8000 (sessions) and :5001 (monitor),
                              and allow http://localhost:3000
  --allow-origin ORIGIN       a web origin whose pages may talk to the server; may be repeated
  --data DIR                  where to keep things; default ~/.local/share/sojourn
  --config FILE               a TOML file of the same settings; flags and SOJOURN_... variables win
  --log-level LEVEL           debug, info (the default), warn or error
  --limits.NAME NUMBER        one of [limits] of the file, such as --limits.header_ms 5000
  --check-config              only check the configuration and show what it comes to

Examples
  sojourn serve
  sojourn serve --listen 127.0.0.1:0 --data /tmp/try
  sojourn serve --config sojourn.toml --check-config

A configuration file
  listen = ["localhost:5409"]
  allow_origins = ["http://localhost:3000"]
  [limits]
  messages_per_s = 100
  [log]
  level = "info"
)";

constexpr std::string_view sessions_help =
    R"(List the connected sessions: one for each browser whose extension is connected.

Usage: sojourn sessions [--json] [--server URL | --data DIR]

Examples
  sojourn sessions
  sojourn sessions --json
)";

constexpr std::string_view show_help = R"(Show one session.

Usage: sojourn show ID [--json] [--server URL | --data DIR]

Example
  sojourn show ext_1234567890ab
)";

constexpr std::string_view send_help =
    R"(Send a message to a session. The message is a JSON object with "type" and "data"; - reads it from standard input.

Usage: sojourn send ID JSON [--json] [--server URL | --data DIR]

Examples
  sojourn send ext_1234567890ab '{"type":"navigate","data":{"url":"https://example.com"}}'
  echo '{"type":"ping","data":{}}' | sojourn send ext_1234567890ab -
)";

constexpr std::string_view tabs_help = R"(List the tabs of a session's browser.

Usage: sojourn tabs ID [--json] [--server URL | --data DIR]

Example
  sojourn tabs ext_1234567890ab
)";

constexpr std::string_view close_help = R"(Close a session. Its browser is told so and does not connect again by itself.

Usage: sojourn close ID [--json] [--server URL | --data DIR]

Example
  sojourn close ext_1234567890ab
)";

constexpr std::string_view doctor_help =
    R"(Check this machine: browsers, sandbox, user, data folder, port 5409, the running server, io_uring, open files.
Every line is ok, warn or fail, with what to do about it. The exit code is 0 unless something fails.

Usage: sojourn doctor [--json] [--server URL | --data DIR]
)";

struct Help {
  std::string_view command;
  std::string_view text;
};

constexpr std::array helps{
    Help{"serve", serve_help}, Help{"sessions", sessions_help}, Help{"show", show_help},     Help{"send", send_help},
    Help{"tabs", tabs_help},   Help{"close", close_help},       Help{"doctor", doctor_help},
};

}  // namespace

std::string_view get_help(std::string_view command) {
  for (auto const& help : helps) {
    if (help.command == command) return help.text;
  }
  return program_help;
}

}  // namespace sojourn
