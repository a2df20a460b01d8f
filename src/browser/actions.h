// The fifteen actions of `interact`: what each needs, whom it acts on, and what came of it. An action that fails is an
// outcome, with the words that clients know. Invariant: none acts on another element than its ref names.
// The browser thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/task.h"
#include "browser/fields.h"
#include "browser/hands.h"
#include "browser/navigation.h"
#include "browser/pointer.h"
#include "browser/refs.h"
#include "browser/settle.h"
#include "browser/view.h"

namespace sojourn {

// Of a session that has no files: nothing can be uploaded.
using LendUploads = std::function<Result<json::array>(json::array const& file_paths)>;

struct Outcome {
  std::string message;            // why it failed; empty = it did not
  std::string code;               // the same for programs; empty = none
  json::value element = nullptr;  // {ref, tag, role, name, box, was} that it was done to
};

class Actions {
 public:
  static constexpr std::int64_t timeout_ms = 5000;
  static constexpr std::int64_t navigation_ms = 30'000;
  static constexpr std::int64_t wait_ms_max = 300'000;

  Actions(Hands& hands, Pointer& pointer, RefTable& refs, View& view)
      : hands_(hands), tab_(hands.tab()), pointer_(pointer), refs_(refs), view_(view) {}

  void allow_uploads(LendUploads lend) { lend_ = std::move(lend); }

  // `input` of `interact`. An error is the page's: Code::ended, Code::crashed.
  Task<Result<Outcome>> act(json::object input, std::int64_t deadline_us);

 private:
  // An action under way.
  struct Deed {
    std::string action;
    std::string text;
    json::array files;
    std::int64_t timeout_ms = 0;
    std::int64_t deadline_us = 0;
    Impact impact = {};
    Grip target = {};  // where a drag ends
  };
  // An element that is held.
  struct Held {
    Grip grip;
    Element element;  // ref, tag, role and name are known
    std::string was;  // its name when the client saw it last, if that was another one
  };

  Result<Deed> read(json::object const& input, std::int64_t deadline_us) const;
  Task<Result<Outcome>> on_page(Deed deed, json::object const& input);
  Task<Result<Outcome>> on_element(Deed deed, json::object const& input);
  Task<Result<>> go(Deed const& deed, json::object const& input);
  Task<Result<>> scroll_page(Deed* deed, json::object const& input);
  Task<Result<Impact>> apply(Deed deed, Grip grip);
  Task<Result<Impact>> strike(Deed const& deed);
  Task<Result<Held>> hold(std::string ref, std::int64_t deadline_us);
  // A page may show something else in the same node: Code::stale_ref. `words`: what it says of itself now.
  Task<Result<>> recognize(Held* held, std::string words, std::int64_t deadline_us);
  Task<Result<Held>> hold_again(std::int64_t ref, std::int64_t deadline_us);
  Task<Result<Outcome>> fail(Error why, std::int64_t after_ms);

  Hands& hands_;
  Tab& tab_;
  Pointer& pointer_;
  RefTable& refs_;
  View& view_;
  Settling settling_{hands_};
  Navigation navigation_{tab_};
  Fields fields_{hands_, pointer_};
  LendUploads lend_;
  std::int64_t touched_ = 0;  // the ref that was acted on last
  std::int64_t refused_ = 0;  // and the one that was refused, as it is called otherwise now
};

}  // namespace sojourn
