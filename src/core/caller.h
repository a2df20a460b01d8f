// Port: an outgoing HTTP call, to the tools and responders that the configuration names. Plain values; whatever a call
// sends or hears is bounded, and each has a deadline. A call is made at most once: nothing that may have arrived is
// sent again. The hub's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sojourn {

using CallId = std::uint64_t;  // 0 = none

// One POST of JSON.
struct Call {
  std::string url = {};                                           // http or https
  std::string body = {};                                          // JSON text
  std::vector<std::pair<std::string, std::string>> headers = {};  // more of them, not Content-Type or Accept
  std::int64_t timeout_us = 10'000'000;                           // from call() to the end of the answer
  std::size_t body_bytes_max = 1'000'000;                         // of the answer
};

// An answer, whatever its status; a redirection is an answer too.
struct CallResult {
  int status = 0;
  std::string content_type = {};  // as sent; empty = none
  std::string body = {};
};

class Caller {
 public:
  using OnPiece = std::function<void(std::string_view piece)>;
  using Done = std::function<void(Result<CallResult>)>;

  virtual ~Caller() = default;

  // `done` runs exactly once, in a later loop iteration, unless the call is cancelled. If the answer is a 2xx of
  // text/event-stream, `on_piece` (may be empty) is told its body as it comes in, cut anywhere; the view lives for the
  // call. The result has the whole body all the same. Both may call and cancel.
  // Errors: Code::timeout; Code::unavailable (no connection; the message names the host and what to do);
  // Code::forbidden (it would be this server itself); Code::too_large (the answer); Code::too_many (calls at once);
  // Code::configuration (the url); Code::invalid (a header); Code::failed (no whole answer, or not over HTTP).
  virtual CallId call(Call call, OnPiece on_piece, Done done) = 0;

  // Nothing of that call is told any more. An unknown or finished one: nothing happens.
  virtual void cancel(CallId id) = 0;
};

}  // namespace sojourn
