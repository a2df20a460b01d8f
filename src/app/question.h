#pragma once
// Questions to a running server: find it, say who asks, put the question, tell a refusal in the server's own words.
// Invariant: a token goes to no server but its own, and into no text. Thread: the caller's, which they block.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/terminal.h"
#include "base/error.h"
#include "base/json.h"
#include "base/result.h"
#include "net/client.h"

namespace sojourn {

// What every command that asks is given on the command line; empty means not given.
struct Target {
  std::string server;
  std::string data;
  bool json = false;
};

struct FoundServer {
  std::string url;
  std::string source;  // "--server", "SOJOURN_SERVER", or the path of the record
  std::string token;   // to send along; empty = none
};

// --server, else SOJOURN_SERVER, else the record that a running server keeps in the data folder.
// The token is SOJOURN_TOKEN, else that of the record, if the server is the one of the record and its process lives.
// Code::unavailable naming where was looked. Does not connect.
[[nodiscard]] Result<FoundServer> find_server(Target const& target, Environment const& environment);

// Whether somebody named a server, by --server or SOJOURN_SERVER; otherwise it is the one of the data folder.
[[nodiscard]] bool names_server(Target const& target, Environment const& environment);

// The class of failure that an HTTP status of 300 and above stands for.
[[nodiscard]] Code to_code(int http_status);

// The same of a word of the error table in any case, also behind "SESSION_"; Code::failed for any other.
[[nodiscard]] Code to_code(std::string_view word);

// The failure that an answer tells: its own words, and what to do about it.
[[nodiscard]] Error to_error(ClientResponse const& refusal);

// The failure of an attempt to ask, with what to do about it.
[[nodiscard]] Error explain(Error failure, FoundServer const& server);

// What answers there speaks HTTP, but not as a server of ours.
[[nodiscard]] Error no_sojourn(FoundServer const& server);

// Any text as one segment of a path.
[[nodiscard]] std::string encode_segment(std::string_view text);

inline constexpr std::int64_t answer_ms_max = 10'000;

struct ServerAnswer {
  json::object body;  // empty when the answer has none
  std::string etag;   // as received; empty = none
};

// Finds the server, asks, and gives its answer if that is a success: a JSON object or nothing. Code::failed for
// anything else: it is no server of ours.
[[nodiscard]] Result<ServerAnswer> ask(Target const& target, Terminal const& terminal, ClientRequest request,
                                       std::int64_t ms_max = answer_ms_max);

// The member as a whole number; nothing when it is absent or something else.
[[nodiscard]] std::optional<std::int64_t> find_integer(json::object const& object, std::string_view key);

// `text`, or what standard input holds if it is "-". Code::too_large over 64 MiB.
[[nodiscard]] Result<std::string> take_text(std::string const& text, Terminal& terminal);

}  // namespace sojourn
