// The Chrome DevTools Protocol as it runs over --remote-debugging-pipe: JSON texts, each ended by a zero byte.
// Only the envelope is read here; a result or an event's parameters stay text until somebody wants them, since a
// snapshot of a large page is megabytes. Total and bounded; no clock, no descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sojourn::cdp {

// Bytes as they come -> whole texts.
class Framer {
 public:
  explicit Framer(std::size_t text_bytes_max) : text_bytes_max_(text_bytes_max) {}

  // Whoever calls asks next() until it gives nothing; the bytes live until then.
  void take(std::string_view bytes) { fresh_ = bytes; }
  // The next whole text, which lives until the next call; nothing = more bytes are needed. After that the rest is kept.
  bool next(std::string_view& text);
  // A text grew too long; nothing comes any more.
  bool has_failed() const { return has_failed_; }

 private:
  std::size_t text_bytes_max_;
  std::string_view fresh_;
  std::string begun_;  // of a text that is not whole
  bool is_given_ = false;
  bool has_failed_ = false;
};

// Views into the text that was read.
struct Message {
  std::int64_t id = 0;       // of the command that it answers; 0 = an event
  std::string_view method;   // of an event
  std::string_view session;  // empty = the browser itself
  std::string_view body;     // JSON object: the result, the parameters, or the error; empty = none
  bool is_error = false;
};

// Code::invalid when it is no message.
Result<Message> read(std::string_view text);

// A command with its zero byte, appended. `params` is a JSON object, empty = none.
void append_command(std::string& out, std::int64_t id, std::string_view method, std::string_view session,
                    std::string_view params);

}  // namespace sojourn::cdp
