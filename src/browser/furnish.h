// What a page is made to be for its session: its viewport, what it says of itself, where in the world it is, and how it
// speaks to its proxy. Invariant: every process of the page gets the same. The browser thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "browser/tab.h"
#include "core/browser.h"

namespace sojourn {

class Furnishing {
 public:
  explicit Furnishing(Tab& tab) : tab_(tab) {}

  // The viewport that a page has before anybody wishes anything.
  Later<Tab::Answer> lay_out();
  // Sends what differs from what it was; Code::invalid names what the browser does not know.
  Task<Result<>> furnish(BrowserWish wish, std::int64_t deadline_us);
  BrowserWish const& wish() const { return wish_; }

 private:
  Task<Result<>> speak_as(BrowserWish const& wish, std::int64_t deadline_us);
  // To the page, and to each of its processes that comes later.
  Later<Tab::Answer> everywhere(std::string_view method, json::object params, std::int64_t deadline_us);
  void log_in();
  void on_auth(std::string const& session, json::object const& params);

  Tab& tab_;
  BrowserWish wish_;
  std::set<std::string> asked_;  // requests for which the proxy was told who this is
};

}  // namespace sojourn
