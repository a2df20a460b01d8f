// The functions of a page as clients call them: open, snapshot, interact, screenshot, execute; what they are given and
// what they answer, member by member. The browser thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/task.h"
#include "browser/actions.h"
#include "browser/diff.h"
#include "browser/files.h"
#include "browser/furnish.h"
#include "browser/hands.h"
#include "browser/navigation.h"
#include "browser/outline.h"
#include "browser/pointer.h"
#include "browser/refs.h"
#include "browser/tab.h"
#include "browser/view.h"
#include "core/browser.h"

namespace sojourn {

class Functions {
 public:
  Functions(Tab& tab, Furnishing& furnishing) : tab_(tab), furnishing_(furnishing) {}

  void settle_in(Files& files, std::string session_id);
  void show_cursor();
  bool is_open() const { return is_open_; }
  std::int64_t last_ref() const { return refs_.last_ref(); }
  // It was open before, and numbers up to there were given.
  void begin_again(std::int64_t last_ref);
  // To where it was.
  Task<Result<>> come_back(std::string url, Point scroll, std::int64_t deadline_us);

  Task<Result<json::object>> run(Function function, json::object input, std::int64_t deadline_us);

 private:
  enum class Shot : std::uint8_t { none, viewport };
  // What an answer shows of the page beside what it says.
  struct Look {
    Shot shot = Shot::none;
    std::optional<OutlineWish> outline;  // none = no snapshot
    CaptureWish capture;
  };
  struct Seen {
    json::value snapshot = nullptr;
    json::value screenshot = nullptr;
  };

  Task<Result<json::object>> open(json::object input, std::int64_t deadline_us);
  Task<Result<json::object>> snapshot(json::object input, std::int64_t deadline_us);
  Task<Result<json::object>> interact(json::object input, std::int64_t deadline_us);
  Task<Result<json::object>> screenshot(json::object input, std::int64_t deadline_us);
  Task<Result<json::object>> execute(json::object input, std::int64_t deadline_us);

  Task<Result<>> refurnish(json::object const& input, std::int64_t deadline_us);
  Task<Result<>> visit(json::object const& input, std::int64_t deadline_us);
  // A snapshot that says no more than where the page is.
  Task<json::object> name_page(std::int64_t deadline_us);
  Task<Result<NodeKey>> find_scope(std::string scope, std::int64_t deadline_us);
  Task<Result<Seen>> look(Look look, std::int64_t deadline_us);
  Task<Result<json::value>> picture(Extent extent, Picture kind, std::int64_t deadline_us);
  Task<Result<json::object>> outline_now(OutlineWish wish, CaptureWish capture, std::int64_t deadline_us);

  Tab& tab_;
  Furnishing& furnishing_;
  Hands hands_{tab_};
  Pointer pointer_{hands_};
  RefTable refs_;
  View view_{tab_};
  Actions actions_{hands_, pointer_, refs_, view_};
  Navigation navigation_{tab_};
  Settling settling_{hands_};
  Shown shown_;
  Files* files_ = nullptr;
  std::string session_id_;
  bool is_open_ = false;
  bool has_visited_ = false;  // or tried to
};

}  // namespace sojourn
