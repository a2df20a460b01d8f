// The mouse. It acts on an element only once that is there, to be seen, still, enabled and the one that receives the
// pointer, in its own document and through every frame around it; should the page change in the last moment, the events
// reach nobody and it tries again until the deadline. The browser thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/task.h"
#include "browser/capture.h"
#include "browser/hands.h"

namespace sojourn {

// What happened in the element's document by the time the action was done.
struct Impact {
  Box box;               // of the element, in the page's viewport
  double changes = 0;    // of the document
  double more = 0;       // of those, after what ran at once
  bool is_known = true;  // false: the document went away
};

class Pointer {
 public:
  explicit Pointer(Hands& hands) : hands_(hands) {}

  // Code::timeout: "Timeout 5000ms exceeded: <why>"; Code::stale_ref. `timeout_ms` from now.
  Task<Result<Impact>> click(Grip grip, int count, std::int64_t timeout_ms);
  Task<Result<Impact>> hover(Grip grip, std::int64_t timeout_ms);
  // By the mouse, and as HTML drag and drop where the page does it that way.
  Task<Result<Impact>> drag(Grip from, Grip to, std::int64_t timeout_ms);

  // The box as the page's viewport has it, of one that the element's document has.
  Task<Result<Box>> place(Grip grip, Box inner, std::int64_t deadline_us);

  // The red dot follows the mouse.
  void show_cursor() { shows_cursor_ = true; }
  bool shows_cursor() const { return shows_cursor_; }
  // Again, where it was, in a new document.
  void redraw();

 private:
  struct Aim {
    Point point;
    Box box;
    std::string obstacle;             // empty = ready
    std::vector<std::string> frames;  // that are guarded, beside the element's own
  };
  enum class Guard : std::uint8_t { none, click, hover };
  struct Shot {
    Guard guard = Guard::none;
    std::int64_t timeout_ms = 0;
    std::int64_t deadline_us = 0;
    int attempt = 0;
    bool needs_enabled = false;
  };

  struct Load {
    std::string frame_id;  // where a drag begins
    json::object data;     // what the browser says that it drags; empty = nothing so far
  };

  Task<Result<Aim>> aim(Grip grip, Shot shot);
  // A point and box of the frame's document, seen from the page's.
  Task<Result<>> lead_out(std::string frame_id, Aim* aim, Shot shot);
  // Where the element is once it is ready, guarded; tries until the deadline.
  Task<Result<Aim>> aim_until(Grip grip, Shot* shot);
  // Before the next try; Code::timeout when there is no time for one.
  Task<Result<>> pause(Shot shot, std::string why);
  Shot shot(Guard guard, std::int64_t timeout_ms) const;
  Task<Result<>> move_to(Point point, std::int64_t deadline_us);
  Task<Result<>> press(Point point, int count, std::int64_t deadline_us);
  // Empty when the events reached the element.
  Task<Result<std::string>> check(Grip grip, Aim aim, Impact* impact, std::int64_t deadline_us);
  // Presses, moves and releases.
  Task<Result<>> carry(Point from, Grip to, Shot shot, Load* load);
  json::object mouse(std::string_view type, Point point) const;

  Hands& hands_;
  Point last_;
  bool shows_cursor_ = false;
};

// {x, y, width, height}
Box read_box(json::object const& o);

// "Timeout 5000ms exceeded: <why>"
Error too_late(std::int64_t timeout_ms, std::string const& why);

}  // namespace sojourn
