// A caller for tests: remembers the calls and answers them as a test wrote down, some turns later, or when it says so.
// Each call takes the next plan, and the last plan is for all further calls; without a plan there is no answer.
// Invariant: tells nothing inside call(), only inside turn() and finish(); what was cancelled never. One thread.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/caller.h"

namespace sojourn {

class FakeCaller final : public Caller {
 public:
  // The next calls, in the order of planning; `turns` >= 1 turns after each.
  void will_answer(std::string body, int status = 200, unsigned turns = 1) {
    plans_.push_back({{}, CallResult{status, "application/json", std::move(body)}, turns});
  }
  void will_fail(Code code, std::string message, unsigned turns = 1) {
    plans_.push_back({{}, error(code, std::move(message)), turns});
  }
  // A text/event-stream: a piece a turn from turn `turns` on, then its end.
  void will_stream(std::vector<std::string> pieces, unsigned turns = 1) {
    std::string body;
    for (auto const& piece : pieces) body += piece;
    plans_.push_back({std::move(pieces), CallResult{200, "text/event-stream", std::move(body)}, turns});
  }
  void will_never_answer() { plans_.push_back({}); }
  // Forgets what was planned and not yet taken.
  void forget_plans() { plans_.clear(); }

  CallId call(Call call, OnPiece on_piece, Done done) override {
    calls_.push_back(std::move(call));
    auto const id = static_cast<CallId>(calls_.size());
    Plan plan;
    if (!plans_.empty()) plan = plans_.front();
    if (plans_.size() > 1) plans_.pop_front();
    waiting_.push_back({id, std::move(plan), std::move(on_piece), std::move(done)});
    return id;
  }
  void cancel(CallId id) override {
    if (std::erase_if(waiting_, [&](Waiting const& each) { return each.id == id; }) > 0) cancelled_.push_back(id);
  }

  // Part of a loop iteration: tells what is due.
  void turn() {
    std::vector<CallId> present;  // whoever is called from here on has its first turn later
    for (auto const& each : waiting_) present.push_back(each.id);
    for (auto const id : present) tell(id);
  }
  // Tells the result of a call that is under way now, whatever its plan. False when it is not (any more).
  bool finish(CallId id, Result<CallResult> result) {
    auto const place = find(id);
    if (place == waiting_.end()) return false;
    auto const done = std::move(place->done);
    waiting_.erase(place);
    done(std::move(result));
    return true;
  }

  // Tells a piece of a stream that is under way now, whatever its plan. False when it is not (any more).
  bool push(CallId id, std::string_view piece) {
    auto const place = find(id);
    if (place == waiting_.end()) return false;
    auto const on_piece = place->on_piece;  // which may cancel its own call
    on_piece(piece);
    return true;
  }

  // Every call ever made, in order: that with id N is calls()[N - 1].
  std::vector<Call> const& calls() const { return calls_; }
  std::vector<CallId> const& cancelled() const { return cancelled_; }
  // How many are under way.
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Plan {
    std::vector<std::string> pieces;
    std::optional<Result<CallResult>> result;  // nothing = never
    unsigned turns = 1;
  };
  struct Waiting {
    CallId id = 0;
    Plan plan;
    OnPiece on_piece;
    Done done;
  };

  std::deque<Waiting>::iterator find(CallId id) {
    return std::ranges::find_if(waiting_, [&](Waiting const& each) { return each.id == id; });
  }
  void tell(CallId id) {
    auto const place = find(id);
    if (place == waiting_.end() || !place->plan.result) return;
    if (place->plan.turns > 1) {
      --place->plan.turns;
      return;
    }
    if (place->plan.pieces.empty()) {
      finish(id, *place->plan.result);
      return;
    }
    auto const piece = place->plan.pieces.front();
    place->plan.pieces.erase(place->plan.pieces.begin());
    auto const on_piece = place->on_piece;  // which may cancel its own call
    if (on_piece) on_piece(piece);
  }

  std::deque<Plan> plans_;
  std::deque<Waiting> waiting_;
  std::vector<Call> calls_;
  std::vector<CallId> cancelled_;
};

}  // namespace sojourn
