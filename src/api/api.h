// What carriers and doors say to each other: a request, an answer, and the callbacks that bring it back.
// A door never sees a socket, a carrier never sees a session. The hub's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "core/command.h"
#include "core/principal.h"

namespace sojourn {

// What a listener speaks where paths are ambiguous.
enum class ListenerDialect : std::uint8_t { extension, sessions, monitor };

struct Header {
  std::string_view name;
  std::string_view value;
};

// What every answer to a request carries.
struct Envelope {
  std::string request_id;
  std::string correlation_id;
  std::string allow_origin;  // to be echoed; empty = no CORS
};

// A part of an answer that comes in pieces.
struct Piece {
  std::string bytes;
  bool is_last = false;
};

// The way to whoever reads an answer that is open: a plain value like Back, which also names the answer, so that one
// that is over takes nothing more. Without a carrier nobody reads.
class Pieces {
 public:
  using Function = bool (*)(void* carrier, std::uint64_t exchange, std::uint32_t answer, Piece piece);
  Pieces() = default;
  Pieces(Function function, void* carrier, std::uint64_t exchange, std::uint32_t answer)
      : function_(function), carrier_(carrier), exchange_(exchange), answer_(answer) {}
  // False when nobody reads any more: then none of it goes anywhere. An empty piece only asks.
  bool operator()(Piece piece) const {
    return function_ != nullptr && function_(carrier_, exchange_, answer_, std::move(piece));
  }

 private:
  Function function_ = nullptr;
  void* carrier_ = nullptr;
  std::uint64_t exchange_ = 0;
  std::uint32_t answer_ = 0;
};

// One request. All views live until it is answered or its connection is gone, so a callback captures copies.
struct Request {
  std::string_view method;
  std::string_view path;   // without the query, as sent
  std::string_view query;  // without the question mark
  std::string_view body;
  std::span<Header const> headers;
  std::string_view remote_address;
  ListenerDialect listener = ListenerDialect::extension;
  Moment at;
  Pieces pieces = {};  // for an answer that is open
  // Set by the router:
  Principal principal;
  std::optional<Error> refusal;  // why nobody is let in with these credentials; only entrances that judge it see it
  Envelope envelope;

  // The first header of that name (case is ignored), or nothing.
  std::string_view header(std::string_view name) const;
  std::size_t count_headers(std::string_view name) const;
  // A parameter of the query, percent-decoded.
  std::string parameter(std::string_view name) const;
  // A field of a body that is a form (application/x-www-form-urlencoded).
  std::string form_field(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json; charset=utf-8";
  bool is_last = false;                                           // the connection ends after it
  std::vector<std::pair<std::string_view, std::string>> headers;  // in place of one that every answer has, or more
  // The body is only its beginning: the rest goes through the request's `pieces`, the last of which ends the answer. A
  // reader that leaves too much unread is cut off.
  bool is_open = false;
};

// {"error":"..."} with the status of the code: the doors of extension sessions, and what belongs to no door.
Response error_response(int status, std::string_view message);
Response error_response(Error const& error);

// Retry-After, where trying again may help.
void append_retry(Response& response, Error const& error);

// {"detail":"...","code":"..."}: the doors of shared sessions and the native API. Without a word no code is named.
Response detail_response(int status, std::string_view detail, std::string_view word = {});
// The same of an error. What is unprocessable in a field has a list as its detail:
// [{"type":"value_error","loc":["body","client_id"],"msg":"..."}]; where the documented sessions API has a word of its
// own for what is wrong, that stands in "error_code".
Response detail_response(Error const& error);

// Code::unprocessable: what the field of that name in `place`, "body" or "query", has to be.
Error wrong_field(std::string_view place, std::string_view name, std::string_view what);

// 200 with a body of JSON.
Response json_response(std::string body, int status = 200);

// The request's whole body as a JSON object; an empty body is an empty one. Code::invalid.
Result<json::object> parse_object(Request const& request);

// A callback into a carrier that may be gone by then: a plain value that names the exchange, so it is cheap and safe to
// keep.
template <typename Answer> class Back {
 public:
  using Function = void (*)(void* carrier, std::uint64_t exchange, Answer answer);
  Back(Function function, void* carrier, std::uint64_t exchange)
      : function_(function), carrier_(carrier), exchange_(exchange) {}
  void operator()(Answer answer) const { function_(carrier_, exchange_, std::move(answer)); }

 private:
  Function function_;
  void* carrier_;
  std::uint64_t exchange_;
};

using Respond = Back<Response>;
using Welcome = Back<Result<Opened>>;

// A part of a path, percent-decoded.
std::string decode_segment(std::string_view text);

// The parts of a path that stood for :names, in order, as sent.
struct Parameters {
  static constexpr std::size_t count_max = 3;
  std::string_view at[count_max];
  std::size_t count = 0;
};

}  // namespace sojourn
