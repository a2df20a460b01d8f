// A long script of changes for a store, and whether what a store has after an accident is what it may have: for each
// session everything that was acknowledged, perhaps what was asked beyond it, and nothing else.
// Each session lives through rounds: so many events with a mark that counts them, the oldest events let go, then all of
// it forgotten. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/store.h"

namespace sojourn {

class StoreScript {
 public:
  // One step of a session.
  struct Step {
    std::size_t session = 0;
    std::uint64_t number = 0;  // from 1
  };

  explicit StoreScript(std::size_t sessions, std::string prefix = "s") : prefix_(std::move(prefix)), lives_(sessions) {}

  // The next step of each session in turn.
  Step next() {
    auto const session = turn_++ % lives_.size();
    return {session, ++lives_[session].asked};
  }
  void acknowledge(Step step) { lives_[step.session].acknowledged = step.number; }
  // As if so much had been asked and acknowledged.
  void set(std::size_t session, std::uint64_t asked, std::uint64_t acknowledged) {
    lives_[session] = {asked, acknowledged};
  }
  std::size_t sessions() const { return lives_.size(); }
  std::uint64_t asked(std::size_t session) const { return lives_[session].asked; }

  Change change(Step step) const {
    Change change;
    change.session_id = prefix_ + std::to_string(step.session);
    auto const seq = seq_of(step.number);
    if (seq == 0) {
      change.forgets = true;
      return change;
    }
    Event event;
    event.seq = seq;
    event.type = EventType::message;
    event.name = "step";
    event.data = data_of(step);
    change.event = std::make_shared<Event const>(std::move(event));
    change.marks.push_back({"step", std::to_string(step.number)});
    if (seq % 7 == 0) change.marks.push_back({"odd", std::to_string(step.number)});
    if (seq % 7 == 3) change.marks.push_back({"odd", std::nullopt});
    change.first_seq = first_seq_of(seq);
    return change;
  }

  // Empty, or what is wrong.
  std::string check(Store& store) const {
    std::map<std::string, Record> records;
    auto const loaded = store.load([&](Record record) {
      auto id = record.session_id;
      records.emplace(std::move(id), std::move(record));
    });
    if (!loaded) return is_refusal(loaded.error());
    for (std::size_t session = 0; session < lives_.size(); ++session) {
      auto const place = records.find(prefix_ + std::to_string(session));
      auto const fault = place == records.end() ? check_missing(session) : check_there(store, session, place->second);
      if (!fault.empty()) return fault;
    }
    return {};
  }

  static bool is_refused(std::string const& fault) { return fault.starts_with("refused"); }

 private:
  static constexpr std::uint64_t round = 80;
  static constexpr std::uint64_t kept_events = 30;

  struct Life {
    std::uint64_t asked = 0;
    std::uint64_t acknowledged = 0;
  };

  // 0 = it is forgotten.
  static std::uint64_t seq_of(std::uint64_t number) { return number % round; }
  static std::uint64_t first_seq_of(std::uint64_t seq) { return seq > kept_events ? seq - kept_events + 1 : 1; }
  static std::string data_of(Step step) {
    auto const text = std::to_string(step.session) + "/" + std::to_string(step.number);
    return "{\"step\":\"" + text + "\",\"fill\":\"" + std::string(step.number * 37 % 400, 'x') + "\"}";
  }
  static std::string is_refusal(Error const& error) {
    return error.code == Code::damaged ? "refused: " + error.message : "an error that is no refusal: " + error.message;
  }

  std::string check_missing(std::size_t session) const {
    auto const& life = lives_[session];
    for (auto number = life.acknowledged; number <= life.asked; ++number) {
      if (seq_of(number) == 0) return {};
    }
    return "session " + std::to_string(session) + " is lost, step " + std::to_string(life.acknowledged) +
           " was acknowledged";
  }

  std::string check_there(Store& store, std::size_t session, Record const& record) const {
    auto const& life = lives_[session];
    auto const who = "session " + std::to_string(session) + ": ";
    std::map<std::string, std::string> const marks(record.marks.begin(), record.marks.end());
    if (!marks.contains("step")) return who + "its mark is lost";
    auto const number = std::stoull(marks.at("step"));
    if (number < life.acknowledged || number > life.asked)
      return who + "is at step " + std::to_string(number) + ", acknowledged " + std::to_string(life.acknowledged) +
             ", asked " + std::to_string(life.asked);
    auto const seq = seq_of(number);
    if (record.last_seq != seq || record.first_seq != first_seq_of(seq))
      return who + "has events " + std::to_string(record.first_seq) + " to " + std::to_string(record.last_seq) +
             " at step " + std::to_string(number);
    std::map<std::string, std::string> expected{{"step", std::to_string(number)}};
    auto const odd = seq - (seq >= 7 ? seq % 7 : 0);
    if (seq >= 7 && seq % 7 < 3) expected["odd"] = std::to_string(number - seq + odd);
    if (marks != expected) return who + "has other marks at step " + std::to_string(number);
    auto const events = store.read(record.session_id, 0, 1000);
    if (!events) return is_refusal(events.error());
    if (events->size() != seq - record.first_seq + 1)
      return who + "has " + std::to_string(events->size()) + " events of " + std::to_string(seq - record.first_seq + 1);
    auto at = record.first_seq;
    for (auto const& event : *events) {
      if (event->seq != at || event->data != data_of({session, number - seq + at}))
        return who + "event " + std::to_string(at) + " is another";
      ++at;
    }
    return {};
  }

  std::string prefix_;
  std::vector<Life> lives_;
  std::size_t turn_ = 0;
};

}  // namespace sojourn
