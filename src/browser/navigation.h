// Where a page may go, going there, and being there: a document can be read, then what it loads at once is there too.
// The browser thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "browser/tab.h"

namespace sojourn {

// What a client gave as an address: "https://" stands before what names no scheme of the web, "http://" where that is
// on this machine. Code::forbidden for
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
  // What came of leaving a document: another one; only another place in it; or the page went somewhere else itself.
  enum class Left : std::uint8_t { document, place, overtaken };
  using Asked = std::shared_ptr<std::optional<Tab::Answer>>;

  Task<Result<Left>> leave(std::string address, std::int64_t timeout_ms, std::int64_t deadline_us);
  Task<bool> ask(std::string address, Asked asked, std::int64_t deadline_us);
  // What came of a navigation that the browser has begun; nothing when that is not known in time.
  Task<std::optional<Left>> await_document(std::string loader, std::int64_t deadline_us);
  // Leaves a page that goes on by itself all the time, by way of an empty one: there no script of it runs.
  Task<bool> hush(std::int64_t timeout_ms, std::int64_t deadline_us);
  struct Leaving {
    Asked asked;  // the last: empty until the server of the page that is gone to has answered
    bool is_over = false;
  };
  // Until that is over: what a page runs so that it can't be left is stopped.
  Task<bool> see_off(std::shared_ptr<Leaving const> leaving, std::int64_t deadline_us);

  Tab& tab_;
  std::shared_ptr<Leaving> leaving_;  // the last
};

}  // namespace sojourn
