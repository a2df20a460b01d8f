// Filling in forms: text, choices, check boxes, files; and the keyboard, which goes to whatever has the focus.
// Each waits until the element is ready for it. Code::timeout: "Timeout 5000ms exceeded: <why>"; Code::stale_ref;
// Code::unprocessable when no waiting would help. The browser thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "browser/hands.h"
#include "browser/keys.h"
#include "browser/pointer.h"

namespace sojourn {

enum class Tick : std::uint8_t { off, on };

class Fields {
 public:
  Fields(Hands& hands, Pointer& pointer) : hands_(hands), pointer_(pointer) {}

  // Replaces what is in it.
  Task<Result<Impact>> fill(Grip grip, std::string text, std::int64_t timeout_ms);
  // The option with this label, or else this value.
  Task<Result<Impact>> select(Grip grip, std::string label, std::int64_t timeout_ms);
  // By a click, unless it is so already.
  Task<Result<Impact>> tick(Grip grip, Tick wanted, std::int64_t timeout_ms);
  // Files that the browser can read.
  Task<Result<Impact>> upload(Grip grip, json::array paths, std::int64_t timeout_ms);
  // Brings it to where it is seen.
  Task<Result<Impact>> show(Grip grip, std::int64_t timeout_ms);
  // In order, all at once.
  Task<Result<Impact>> strike(std::vector<KeyCommand> commands, std::int64_t timeout_ms);

 private:
  struct Patience {
    std::int64_t timeout_ms = 0;
    std::int64_t until_us = 0;
  };

  // hands.<word> until it says nothing against it.
  Task<Result<json::object>> insist(Grip grip, std::string word, json::array more, Patience patience);
  // hands.<word>: what came of it, and whether the element kept what it was given.
  Task<Result<Impact>> finish(Grip grip, json::object box, std::int64_t deadline_us, std::string word = "finish",
                              json::array more = {});
  Patience patience(std::int64_t timeout_ms) const { return {timeout_ms, hands_.tab().now_us() + timeout_ms * 1000}; }

  Hands& hands_;
  Pointer& pointer_;
};

}  // namespace sojourn
