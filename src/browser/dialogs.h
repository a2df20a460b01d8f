// The dialogs that a page puts up: each is answered at once, or the page would stand still. Leaving a page is allowed,
// all else is dismissed. Invariant: however many there are, what is kept and told of them is bounded.
// The browser thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/json.h"

namespace sojourn {

class Dialogs {
 public:
  static constexpr std::size_t kept_max = 20;  // of one call
  static constexpr std::size_t told_max = 5;   // in a second
  static constexpr std::size_t storm = 50;     // so many of one call, and the script is stopped
  static constexpr std::size_t message_bytes_max = 1000;

  struct Reply {
    bool accepts = false;
    bool is_told = true;    // as news
    bool is_storm = false;  // its script should be stopped
    json::object dialog;    // {type, message, action}
  };

  // `params` of Page.javascriptDialogOpening.
  Reply on_opening(json::object const& params, std::int64_t now_us);
  // Those since it was called last.
  json::array take();

 private:
  json::array kept_;
  std::size_t count_ = 0;  // of this call
  std::int64_t second_ = 0;
  std::size_t told_ = 0;  // in that second
};

}  // namespace sojourn
