// Where a page may go, going there, and being there: a document can be read, then what it loads at once is there too.
// The browser thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "browser/tab.h"

namespace sojourn {

// What a client gave as an address: "https://" stands before what names no scheme of the web. Code::forbidden for
// those that no session may go to ("file: addresses are not allowed"), Code::invalid for what is none.
Result<std::string> to_address(std::string_view given);

class Navigation {
 public:
  static constexpr std::int64_t load_us_max = 1'500'000;  // once it can be read
  static constexpr std::int64_t quiet_us_max = 500'000;   // once it is loaded
  static constexpr std::int64_t asked_us_max = 500'000;   // from a wish to go until that begins

  explicit Navigation(Tab& tab) : tab_(tab) {}

  // Until the document can be read. `address` is one of to_address(). Code::failed: "net::ERR_... at ADDRESS";
  // Code::timeout: "Timeout 30000ms exceeded".
  Task<Result<>> go(std::string address, std::int64_t timeout_ms);
  // One page back in the history; false when there is none.
  Task<Result<bool>> back(std::int64_t timeout_ms);
  // The page has another document than that one, or is about to: waits until it can be read, and a little until it is
  // loaded and quiet.
  Task<Result<>> arrive(std::uint64_t from_document, std::int64_t deadline_us);

  // The number of the page's document.
  std::uint64_t document() const;

 private:
  // Until the document of before is gone; false when that stays, and only the place in it is another.
  Task<Result<bool>> leave(std::string address, std::int64_t timeout_ms, std::int64_t deadline_us);
  // Until `is_there`: what a page runs so that it need not be left is stopped.
  Task<bool> see_off(std::shared_ptr<bool const> is_there, std::int64_t deadline_us);

  Tab& tab_;
};

}  // namespace sojourn
