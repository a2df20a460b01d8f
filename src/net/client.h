#pragma once
// A blocking HTTP/1.1 client for programs of ours that ask a server on this machine: one request, one connection.
// Invariant: nothing it keeps is unbounded, it never waits past its deadline, and no error names a header's value.
// Thread: the caller's, which it blocks.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sojourn {

inline constexpr std::size_t response_bytes_max = std::size_t{64} * 1024 * 1024;

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query as they go on the wire, already percent-encoded
  std::string body;          // sent when not empty
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};  // besides those that the client itself sends
  std::string accept = "application/json";
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as received, in order
  std::string body;

  // The first header of that name in any case; empty when there is none. The view lives as long as the response.
  [[nodiscard]] std::string_view find_header(std::string_view name) const;
};

struct ServerAddress {
  std::string host;  // "localhost", or a numeric address without brackets
  std::uint16_t port = 80;
};

// http://HOST[:PORT][/], HOST being localhost, an IPv4 address or an [IPv6] address. Code::usage otherwise: names
// are not looked up, and https is not spoken.
[[nodiscard]] Result<ServerAddress> parse_server_url(std::string_view url);

// Sends the request and reads the whole answer, whatever its status. localhost is ::1, then 127.0.0.1.
// Code::unavailable when nobody accepts the connection or it breaks before an answer, Code::timeout after
// deadline_ms in all, Code::failed for an answer that is not HTTP or too large, Code::usage for a bad url or request.
[[nodiscard]] Result<ClientResponse> fetch(std::string const& server_url, ClientRequest const& request,
                                           std::int64_t deadline_ms);

// How an answer that does not end is read.
struct Following {
  std::function<bool(std::string_view line)> on_line;  // without the line's end; the view lives as long as the call;
                                                       // false is enough
  std::int64_t answer_ms_max = 10'000;                 // until the answer begins
  std::int64_t silence_ms_max = 60'000;                // between two pieces of it
  std::size_t line_bytes_max = std::size_t{16} * 1024 * 1024;
  int stop_fd = -1;  // ends it when it becomes readable; -1 = nothing does
};

// Sends the request and gives the answer's body line by line while it comes, when its status is 200; any other
// answer is read whole, as fetch() does. Comes back when the answer ends, on_line has had enough (the status is 200
// then), or stop_fd (status 0 when that was before an answer or amid it). Failures are those of fetch(), where
// Code::timeout is silence, Code::unavailable also an answer that breaks amid, and Code::failed a line that is too
// long.
[[nodiscard]] Result<ClientResponse> follow(std::string const& server_url, ClientRequest const& request,
                                            Following const& following);

// Whether both loopback addresses are free at this port (one that does not exist here counts as free).
[[nodiscard]] bool is_port_free(std::uint16_t port);

}  // namespace sojourn
