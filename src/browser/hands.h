// What reaches into a page's documents: nodes that are held by it are named by their key and are never mistaken for
// others; the script that acts on them runs in a world that the page's scripts can't touch.
// Invariant: a node of a document that is gone is Code::stale_ref, whatever else is there now. The browser thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/task.h"
#include "browser/capture.h"
#include "browser/tab.h"

namespace sojourn {

// A node that is held, until let_go().
struct Grip {
  NodeKey key;
  std::string session;
  std::string object_id;
};

struct Point {
  double x = 0;
  double y = 0;
};

class Hands {
 public:
  explicit Hands(Tab& tab) : tab_(tab) {}

  Task<Result<Grip>> hold(NodeKey key, std::int64_t deadline_us);
  // hands.<word>(node, ...more): what it answers. Code::stale_ref when the node is gone meanwhile.
  Task<Result<json::object>> use(Grip grip, std::string word, json::array more, std::int64_t deadline_us);
  // hands.<word>(...more) in the frame's document.
  Task<Result<json::object>> use_in(std::string frame_id, std::string word, json::array more, std::int64_t deadline_us);
  // An expression in our world of the frame's document, which nobody waits for; nothing where there is no world yet.
  void whisper(std::string const& frame_id, std::string const& expression);
  // All that is held.
  void let_go();

  // The element that the frame's document stands in; the main frame has none.
  Task<Result<NodeKey>> owner_of(std::string frame_id, std::int64_t deadline_us);
  // The first element of the frame's document that the CSS selector matches.
  Task<Result<NodeKey>> find_one(std::string frame_id, std::string css, std::int64_t deadline_us);

  Tab& tab() { return tab_; }

 private:
  // The execution context; `document` is what it belongs to.
  Task<Result<std::int64_t>> world_of(std::string frame_id, std::uint64_t document, std::int64_t deadline_us);
  Task<Result<json::object>> call(std::string session, json::object params, std::int64_t deadline_us);

  Tab& tab_;
};

inline constexpr std::string_view world_name = "sojourn";

}  // namespace sojourn
