#include "browser/autosave.h"

#include <algorithm>
#include <utility>

namespace sojourn {
namespace {

// After a call, and once more: a page may go on with what the call began, and what a script sets is not where cookies
// are read from at once.
constexpr int readings_max = 2;

std::int64_t now_us() { return Clock().now().steady_us; }

}  // namespace

Autosave::Autosave(AutosaveWorld world, std::string session_id, Checkpoint known)
    : world_(world), session_id_(std::move(session_id)), known_(std::move(known)), begun_us_(now_us() - pause_us) {}

Autosave::~Autosave() { world_.timers.cancel(timer_); }

void Autosave::tell() const {
  if (!world_.settings.recovers) return;
  world_.on_checkpoint({session_id_, seal(world_.settings.seal_key, session_id_, to_text(known_))});
}

void Autosave::put(Checkpoint next) {
  if (next == known_) return;
  known_ = std::move(next);
  tell();
}

void Autosave::watch(std::shared_ptr<Fleet::Berth> berth) {
  berth_ = std::move(berth);
  world_.timers.cancel(std::exchange(timer_, 0));
  readings_due_ = 0;
}

void Autosave::touch() {
  if (!world_.settings.recovers || !berth_) return;
  readings_due_ = readings_max;
  attempts_ = 0;
  plan();
}

void Autosave::save(std::function<void()> done) {
  if (readings_due_ == 0 && !is_reading_) return done();
  savers_.push_back(std::move(done));
  if (!is_reading_) begin();
}

void Autosave::plan() {
  if (is_reading_ || timer_ != 0) return;
  timer_ = world_.timers.set(std::max(now_us(), begun_us_ + pause_us), [this] { begin(); });
}

void Autosave::begin() {
  world_.timers.cancel(std::exchange(timer_, 0));
  begun_us_ = now_us();
  --readings_due_;
  is_reading_ = true;
  start(read(shared_from_this(), berth_));
}

// The berth stays as long as its page is asked.
Task<Result<>> Autosave::read(std::shared_ptr<Autosave> self, std::shared_ptr<Fleet::Berth> berth) {
  auto known = self->known_;
  auto next = co_await berth->page->remember(std::move(known), now_us() + reading_us);
  self->end(std::move(next), berth);
  co_return Result<>();
}

void Autosave::end(Result<Checkpoint> read, std::shared_ptr<Fleet::Berth> const& from) {
  is_reading_ = false;
  bool const is_read = read.has_value();
  bool const is_late = !is_read && read.error().code == Code::timeout;
  if (berth_ == from && is_late && ++attempts_ < attempts_max) readings_due_ = std::max(readings_due_, 1);
  if (berth_ == from && is_read) {
    read->wish.records_video = known_.wish.records_video;  // which may have begun meanwhile
    put(*std::move(read));
  }
  bool const goes_on = berth_ && readings_due_ > 0;
  if (goes_on && is_read && !savers_.empty()) return begin();
  for (auto const& done : std::exchange(savers_, {})) done();
  if (goes_on) plan();
}

}  // namespace sojourn
