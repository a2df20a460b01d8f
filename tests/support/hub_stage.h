// A hub on a stage: a clock that is moved by hand, a FakeStore, a FakeBrowser, a plain language, and answers that are
// kept. A loop iteration is turn(): first the store and the browser, then the hub, as in the server. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hub.h"
#include "support/fake_browser.h"
#include "support/fake_store.h"
#include "support/plain_dialect.h"
#include "support/recording_outlet.h"

namespace sojourn {

// A clock that stands still until it is moved; both of its times move together.
class ManualClock {
 public:
  explicit ManualClock(std::int64_t utc_us = 1'771'960'936'015'000) : moment_{1'000'000, utc_us} {}
  ManualClock(ManualClock const&) = delete;
  ManualClock& operator=(ManualClock const&) = delete;

  Clock clock() const { return Clock(moment_); }
  Moment now() const { return moment_; }
  void advance_us(std::int64_t us) {
    moment_.steady_us += us;
    moment_.utc_us += us;
  }
  // Somebody sets the machine's clock.
  void set_utc_by(std::int64_t us) { moment_.utc_us += us; }

 private:
  Moment moment_;
};

// What became of one command. Kept by whoever asked; the reply writes into it.
struct Answer {
  int runs = 0;
  std::optional<Result<Outcome>> outcome;

  bool is_there() const { return runs > 0; }
  template <typename T> T const* as() const {
    return outcome && outcome->has_value() ? std::get_if<T>(&**outcome) : nullptr;
  }
  // The code of a failure; nothing for a success or no answer.
  std::optional<Code> code() const {
    if (!outcome || outcome->has_value()) return std::nullopt;
    return outcome->error().code;
  }
  std::string message() const { return outcome && !outcome->has_value() ? outcome->error().message : std::string(); }
};

class HubStage {
 public:
  struct Options {
    std::uint64_t seed = 1;
    unsigned commit_turns_max = 1;
    Limits limits = {};
    std::int64_t idle_us = std::int64_t{3600} * 1'000'000;
    std::size_t sessions_per_user = 0;
    BrowserRules browsers = {};
    bool has_browser = true;
  };

  HubStage() : HubStage(Options{}) {}
  explicit HubStage(Options const& options)
      : store(options.seed, options.commit_turns_max), options_(options), hub(world(options.seed)) {}

  // The server is killed, and starts again with what the store has, and other rules if there are any; nobody hears of
  // it.
  Result<> restart(BrowserRules rules) {
    options_.browsers = rules;
    return restart();
  }
  Result<> restart() {
    store.crash();
    fake_browser.crash();
    std::destroy_at(&hub);
    std::construct_at(&hub, world(++restarts_ + options_.seed * 1000));
    return hub.restore();
  }

  // The store's part of an iteration and the browser's, then the hub's.
  bool turn() {
    store.turn();
    fake_browser.turn();
    return hub.turn();
  }
  void turns(int count) {
    while (count-- > 0) turn();
  }

  std::shared_ptr<Answer const> submit(Principal const& principal, Command command) {
    auto answer = std::make_shared<Answer>();
    hub.submit(principal, std::move(command), [answer](Result<Outcome> outcome) {
      ++answer->runs;
      answer->outcome.emplace(std::move(outcome));
    });
    return answer;
  }
  std::shared_ptr<Answer const> submit(Command command) { return submit(local_principal(), std::move(command)); }

  Attachment attachment(RecordingOutlet& outlet) {
    return {&outlet, &dialect, frame_line, "Tester/1.0", "127.0.0.1", "device-1", "websocket"};
  }

  // Opens a session and turns until it is answered.
  Opened open(SessionKind kind, RecordingOutlet& outlet, Principal const& principal = local_principal()) {
    return opened(submit(principal, OpenSession{kind, attachment(outlet), {}}));
  }
  // Joins a shared session and turns until it is answered.
  Opened join(std::string id, RecordingOutlet& outlet, Principal const& principal = local_principal(),
              std::string since = {}) {
    return opened(
        submit(principal, JoinSession{SessionKind::shared, std::move(id), attachment(outlet), std::move(since)}));
  }

 private:
  Hub::World world(std::uint64_t seed) {
    return {store,
            log,
            clock.clock(),
            Random(seed),
            options_.limits,
            options_.idle_us,
            options_.sessions_per_user,
            options_.has_browser ? &fake_browser : nullptr,
            options_.browsers};
  }
  Opened opened(std::shared_ptr<Answer const> const& answer) {
    for (int i = 0; i < 8 && !answer->is_there(); ++i) turn();
    return answer->as<Opened>() == nullptr ? Opened{} : *answer->as<Opened>();
  }

 public:
  ManualClock clock;
  Log log;
  FakeStore store;
  FakeBrowser fake_browser;
  PlainDialect dialect;
  Options options_;
  std::uint64_t restarts_ = 0;
  Hub hub;
};

}  // namespace sojourn
