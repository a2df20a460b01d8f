#include "browser/headless.h"

#include <algorithm>
#include <utility>

#include "base/timers.h"
#include "browser/chromium.h"
#include "browser/memory.h"
#include "browser/seats.h"

namespace sojourn {
namespace {

constexpr std::size_t contexts_max = 1000;
std::string const closed_asleep = R"({"success":true,"video":null,"output_meta":null})";

}  // namespace

// What lives on the browser thread, beside the letters to it.
struct Headless::Room {
  explicit Room(BrowserSettings s) : settings(std::move(s)) {}

  BrowserSettings settings;
  Loop loop;
  Mailbox letters{loop};
  Timers timers;
  std::unique_ptr<Seats> seats;
};

Headless::Headless(Loop& loop, BrowserSettings settings) : settings_(std::move(settings)), back_(loop) {
  settings_.profile_key = profile_key(settings_.data);
  sweep_leftovers(settings_.data);
}

Headless::~Headless() {
  if (!room_) return;
  room_->letters.post([room = room_.get()] {
    room->seats.reset();
    room->loop.stop();
  });
  thread_.join();
}

void Headless::know(std::string url, std::vector<int> own_ports) {
  settings_.url = std::move(url);
  settings_.own_ports = std::move(own_ports);
}

std::size_t Headless::capacity() const {
  if (settings_.contexts_max > 0) return settings_.contexts_max;
  return std::min(contexts_max, live_ + contexts_that_fit(available_kib()));
}

void Headless::begin() {
  if (room_) return;
  room_ = std::make_unique<Room>(settings_);
  thread_ = std::thread([this, room = room_.get()] {
    Seats::Listener listener;
    listener.on_news = [this](BrowserNews news) { back_.post([this, news = std::move(news)] { on_news_(news); }); };
    listener.on_checkpoint = [this](BrowserCheckpoint checkpoint) {
      back_.post([this, checkpoint = std::move(checkpoint)] { on_checkpoint_(checkpoint); });
    };
    room->seats = std::make_unique<Seats>(room->loop, room->timers, room->settings, std::move(listener));
    room->loop.run([room]() -> std::int64_t {
      room->timers.run_due(Clock().now().steady_us);
      return room->timers.next_us();
    });
  });
}

Browser::Done Headless::bring_back(Done done) {
  if (!done) return {};
  return [this, done = std::move(done)](Result<std::string> result) {
    back_.post([done, result = std::move(result)] { done(result); });
  };
}

void Headless::open(std::string const& session_id, BrowserWish wish) {
  begin();
  ++live_;
  room_->letters.post(
      [room = room_.get(), session_id, wish = std::move(wish)] { room->seats->open(session_id, wish); });
}

void Headless::resume(std::string const& session_id, std::string sealed) { dormant_[session_id] = std::move(sealed); }

void Headless::save(std::function<void()> done) {
  auto told = [this, done = std::move(done)] { back_.post(done); };
  if (!room_) return told();
  room_->letters.post([room = room_.get(), told] { room->seats->save(told); });
}

void Headless::call(FunctionCall call, Done done) {
  begin();
  if (auto node = dormant_.extract(call.session_id)) {
    ++live_;
    room_->letters.post(
        [room = room_.get(), id = node.key(), sealed = std::move(node.mapped())] { room->seats->resume(id, sealed); });
  }
  room_->letters.post([room = room_.get(), call = std::move(call), done = bring_back(std::move(done))] {
    room->seats->call(call, done);
  });
}

void Headless::close(std::string const& session_id, Done done) {
  if (dormant_.erase(session_id) > 0) {
    if (done) back_.post([done = std::move(done)] { done(closed_asleep); });
    return;
  }
  begin();
  if (live_ > 0) --live_;
  room_->letters.post(
      [room = room_.get(), session_id, done = bring_back(std::move(done))] { room->seats->close(session_id, done); });
}

}  // namespace sojourn
