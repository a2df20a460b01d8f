// Random writes to a hub that is killed again and again: whatever somebody was told is there afterwards, in its place,
// and nothing else stands there. A seed that fails is printed; SOJOURN_SEED=<seed> runs it alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/core_stage.h"

namespace sojourn {
namespace {

// What somebody was told of a session. Events by their place, keys by the place of their last change.
struct Told {
  std::map<std::uint64_t, std::string> events;
  std::map<std::string, std::pair<std::uint64_t, std::string>> keys;
  bool has_ended = false;
};

class Killing {
 public:
  explicit Killing(std::uint64_t seed) : random_(seed), stage_(options(seed)) {}

  // What was wrong; empty = nothing.
  std::string run(int rounds) {
    for (int round = 0; round < rounds && fault_.empty(); ++round) {
      for (auto left = 20 + below(60); left > 0; --left) one_in(3) ? void(stage_.turn()) : act();
      listen();
      auto const restored = stage_.restart();
      if (!restored) return restored.error().message;
      outlets_.clear();
      pending_.clear();
      check();
    }
    return fault_;
  }

 private:
  struct Listener {
    std::string id;
    RecordingOutlet outlet;
  };
  struct Pending {
    std::shared_ptr<Answer const> answer = {};
    std::string id = {};
    std::string key = {};
    std::string value = {};
    bool closes = false;
  };

  static HubStage::Options options(std::uint64_t seed) {
    HubStage::Options options;
    options.seed = seed;
    options.commit_turns_max = 4;
    return options;
  }
  std::uint64_t below(std::uint64_t count) { return random_() % count; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

  void act() {
    if (ids_.empty() || one_in(12)) return open();
    auto const& id = ids_[below(ids_.size())];
    auto const number = std::to_string(++last_number_);
    if (one_in(25)) return ask(CloseSession{{}, id}, {.id = id, .closes = true});
    if (one_in(8)) return join(id);
    if (one_in(2)) return ask(PostMessage{{}, id, "m" + number}, {.id = id, .value = "m" + number});
    std::string const key = "k" + std::to_string(below(4));
    ask(ChangeState{{}, id, {StateEdit::Verb::set, key, number, {}}}, {.id = id, .key = key, .value = number});
  }

  void open() {
    auto answer = stage_.submit(OpenSession{shared, {}, {}});
    for (int i = 0; i < 12 && !answer->is_there(); ++i) stage_.turn();
    ids_.push_back(answer->as<Opened>()->session.id);
    told_[ids_.back()].events[1];
  }

  void join(std::string const& id) {
    auto& listener = *outlets_.emplace_back(std::make_unique<Listener>());
    listener.id = id;
    stage_.submit(JoinSession{shared, id, stage_.attachment(listener.outlet)});
  }

  void ask(Command command, Pending pending) {
    pending.answer = stage_.submit(std::move(command));
    pending_.push_back(std::move(pending));
  }

  // What came to those who listen, and who asked.
  void listen() {
    for (auto const& [answer, id, key, value, closes] : pending_) {
      if (!answer->is_there()) continue;
      if (closes) told_[id].has_ended = true;
      if (auto const* const posted = answer->as<Posted>()) note(id, posted->cursor.seq, value);
      auto const* const changed = answer->as<Changed>();
      auto& keys = told_[id].keys;
      if (changed != nullptr && keys[key].first < changed->cursor.seq) keys[key] = {changed->cursor.seq, value};
    }
    for (auto const& listener : outlets_) {
      for (auto const& line : listener->outlet.take_lines()) {
        auto const words = line.substr(line.find(' ') + 1);
        if (words.starts_with("message 0 ")) note(listener->id, std::stoull(line), words.substr(10));
        if (words.starts_with("session.closed")) told_[listener->id].has_ended = true;
      }
    }
  }

  void note(std::string const& id, std::uint64_t seq, std::string const& name) {
    auto const [place, is_new] = told_[id].events.emplace(seq, name);
    if (!is_new && place->second != name) fault_ = id + ": " + place->second + " and " + name + " at one place";
  }

  void check() {
    for (auto const& [id, told] : told_) {
      auto const found = stage_.ask(GetSession{{}, id});
      if (!found->as<SessionInfo>()) {
        if (!told.has_ended && !is_ending(id)) fault_ = id + " is gone: " + found->message();
        std::erase(ids_, id);
        continue;
      }
      if (told.has_ended) fault_ = id + " has ended and is there again";
      check_log(id, told);
      check_state(id, told);
    }
  }

  // Its end may have been kept without anybody hearing of it.
  bool is_ending(std::string const& id) {
    for (auto const& record : stage_.store.records()) {
      if (record.session_id == id) return record.marks.at(0).first == "stone";
    }
    return true;
  }

  void check_log(std::string const& id, Told const& told) {
    auto const log = stage_.log_of(id);
    for (std::size_t i = 0; i < log.events.size(); ++i) {
      if (log.events[i]->seq != i + 1) fault_ = id + ": a gap before " + std::to_string(log.events[i]->seq);
    }
    for (auto const& [seq, name] : told.events) {
      if (seq > log.events.size())
        fault_ = id + ": " + name + " was told and is gone";
      else if (log.events[seq - 1]->name != name)
        fault_ = id + ": " + log.events[seq - 1]->name + " stands where " + name + " was told";
    }
  }

  void check_state(std::string const& id, Told const& told) {
    for (auto const& [key, last] : told.keys) {
      auto const view = stage_.get<StateView>(GetState{{}, id, key});
      bool const is_it = view.revision == last.first && *view.value == last.second;
      if (!is_it && view.revision <= last.first) fault_ = id + ": " + key + " is not what was told";
    }
  }

  std::mt19937_64 random_;
  CoreStage stage_;
  std::vector<std::string> ids_;
  std::map<std::string, Told> told_;
  std::vector<std::unique_ptr<Listener>> outlets_;
  std::vector<Pending> pending_;
  std::uint64_t last_number_ = 0;
  std::string fault_;
};

TEST(Restart, WhatWasToldStandsWhereItWasTold) {
  auto const* const given = std::getenv("SOJOURN_SEED");
  std::uint64_t const first = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  std::uint64_t const last = given == nullptr ? 300 : first;
  for (auto seed = first; seed <= last; ++seed) {
    auto const fault = Killing(seed).run(6);
    ASSERT_EQ(fault, "") << "SOJOURN_SEED=" << seed;
  }
}

}  // namespace
}  // namespace sojourn
