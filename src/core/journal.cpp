#include "core/journal.h"

#include <array>
#include <charconv>
#include <utility>

namespace sojourn {
namespace {

template <typename Number> bool read_number(std::string_view text, Number& number, int base) {
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string to_text(Cursor cursor) {
  std::array<char, 40> text{};
  auto* end = std::to_chars(text.data(), text.data() + 16, cursor.epoch, 16).ptr;
  *end++ = '.';
  end = std::to_chars(end, text.data() + text.size(), cursor.seq).ptr;
  return {text.data(), end};
}

std::optional<Cursor> to_cursor(std::string_view text, std::uint32_t present_epoch) {
  Cursor cursor{present_epoch, 0};
  auto const dot = text.find('.');
  if (dot != std::string_view::npos) {
    if (!read_number(text.substr(0, dot), cursor.epoch, 16)) return std::nullopt;
    text = text.substr(dot + 1);
  }
  if (!read_number(text, cursor.seq, 10)) return std::nullopt;
  return cursor;
}

EventRef Journal::append(Event event) {
  event.seq = next_seq_++;
  bytes_ += bytes_of(event);
  return events_.emplace_back(std::make_shared<Event const>(std::move(event)));
}

void Journal::sleep(std::uint64_t first_seq, std::uint64_t last_seq) {
  next_seq_ = last_seq + 1;
  asleep_ = next_seq_ - first_seq;
}

bool Journal::wake(std::vector<EventRef> events) {
  auto seq = next_seq_ - asleep_;
  if (events.size() != asleep_) return false;
  for (auto const& event : events) {
    if (event->seq != seq++) return false;
    bytes_ += bytes_of(*event);
  }
  asleep_ = 0;
  events_ = std::move(events);
  return true;
}

EventRef Journal::at(std::uint64_t seq) const {
  if (seq < first_seq() || seq >= next_seq_) return nullptr;
  return events_[head_ + (seq - first_seq())];
}

bool Journal::has_all_since(Cursor cursor) const {
  return cursor.epoch == epoch_ && cursor.seq < next_seq_ && cursor.seq + 1 >= first_seq();
}

void Journal::drop_oldest() {
  bytes_ -= bytes_of(*events_[head_]);
  events_[head_++].reset();
}

bool Journal::is_over(Limits const& limits) const {
  if (size() <= 1) return false;
  return size() > static_cast<std::size_t>(limits.log_events) || bytes_ > static_cast<std::size_t>(limits.log_bytes) ||
         events_[head_]->at_us < events_.back()->at_us - limits.log_ms * 1000;
}

void Journal::trim(Limits const& limits, std::uint64_t settled_seq) {
  while (first_seq() <= settled_seq && is_over(limits)) drop_oldest();
  close_gap();
}

void Journal::forget_before(std::uint64_t seq) {
  while (first_seq() < seq && size() > 0) drop_oldest();
  close_gap();
}

void Journal::close_gap() {
  // Moving the rest down once half is gone keeps appending constant on average.
  if (head_ > 32 && head_ * 2 > events_.size()) {
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

}  // namespace sojourn
