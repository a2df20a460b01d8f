// HTTP/1.1 as bytes <-> values (RFC 9112), within limits and strict where a second reader could disagree: one way to
// say how long a body is, no folded lines, no bare line ends, one Host. Beast reads the fields; it is only in http.cpp.
// Invariant: how the bytes are cut never changes what comes out. No socket, no clock. The loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "base/limits.h"
#include "codec/deflate.h"

namespace sojourn {

// Why a connection can't go on: the status of the last answer on it.
struct HttpFailure {
  int status = 400;
  std::string_view reason;
};

class HttpParser {
 public:
  enum class Status : std::uint8_t { need_more, request, failed };

  // `limits` outlives the parser.
  explicit HttpParser(Limits const& limits);
  ~HttpParser();
  HttpParser(HttpParser const&) = delete;
  HttpParser& operator=(HttpParser const&) = delete;

  // Takes bytes from the front of `input`. After request, fill() is valid until reset(); after failed only failure().
  Status feed(std::string_view& input);

  // Method, path, query, headers and body of the request that is complete.
  void fill(Request& request) const;

  // Makes ready for the next request.
  void reset();

  HttpFailure failure() const;
  bool is_idle() const;         // no byte of a request has come
  bool has_header() const;      // the header is complete
  bool has_target() const;      // fill() gives at least method, path, query and headers, also after failed
  bool wants_continue() const;  // the client waits for 100 before it sends the body; asked once
  bool keeps_alive() const;
  bool is_http_1_0() const;
  // A request for WebSocket (RFC 6455, section 4.2.1), whether or not its details are right.
  bool is_upgrade() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Appends a whole answer, or the head and the beginning of one that is open: that has no length, but chunks or the end
// of the connection. `utc_us` for Date; the body is left out for a HEAD request, its length is not.
struct Answer {
  Response response;
  Envelope envelope;
  std::int64_t utc_us = 0;
  bool keep_alive = true;
  bool without_body = false;
  bool is_chunked = false;  // of one that is open
};
void append_answer(std::string& out, Answer const& answer);

// 101 of RFC 6455, section 4.2.2. What is empty is not named.
struct Switching {
  std::string accept_key;
  std::string_view protocol;
  std::string extension = {};
};
void append_switching(std::string& out, Envelope const& envelope, Switching const& switching);

// The head of an answer that is an event stream; it has no length and ends with the connection.
void append_stream_head(std::string& out, Envelope const& envelope, std::int64_t utc_us);

// What is wrong with the handshake of an upgrade request (RFC 6455, section 4.2.1); empty = nothing.
std::string_view check_handshake(Request const& request);

// What the request offers and this server takes.
websocket::Agreement agree_on_compression(Request const& request, websocket::Compression compression);

}  // namespace sojourn
