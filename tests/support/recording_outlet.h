// A connection's end that sends nothing and remembers everything. Its peer reads at once, unless a test says otherwise:
// then what is pushed waits until the test lets it read. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/connection.h"

namespace sojourn {

class RecordingOutlet final : public Outlet {
 public:
  void push(Bytes bytes) override {
    if (closes > 0) ++pushes_after_close;
    text += *bytes;
    if (is_slow) queued += bytes->size();
    pushed.push_back(std::move(bytes));
  }
  void close(std::uint16_t code, std::string_view reason) override {
    ++closes;
    close_code = code;
    close_reason = reason;
  }
  std::size_t queued_bytes() const override { return queued; }

  // Whole lines that came since this was called last.
  std::vector<std::string> take_lines() {
    std::vector<std::string> lines;
    for (auto end = text.find('\n', taken_); end != std::string::npos; end = text.find('\n', taken_)) {
      lines.push_back(text.substr(taken_, end - taken_));
      taken_ = end + 1;
    }
    return lines;
  }

  std::vector<Bytes> pushed;
  std::string text;        // all of it
  bool is_slow = false;    // the peer does not read: what is pushed stays queued
  std::size_t queued = 0;  // bytes that wait; a test may set it
  int pushes_after_close = 0;
  int closes = 0;
  std::uint16_t close_code = 0;  // 0 = open
  std::string close_reason;

 private:
  std::size_t taken_ = 0;
};

}  // namespace sojourn
