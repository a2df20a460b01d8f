#include "codec/sse.h"

#include <utility>

namespace sojourn::sse {

std::optional<Event> LineReader::take(std::string_view line) {
  if (line.empty()) {
    std::optional<Event> done;
    if (has_data_ && !is_too_large_) {
      done = Event{event_.type.empty() ? "message" : std::move(event_.type), std::move(event_.data), event_.id};
    }
    restart();
    return done;
  }
  auto const colon = line.find(':');
  auto const field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (std::exchange(has_data_, true)) event_.data += '\n';
    is_too_large_ = is_too_large_ || event_.data.size() + value.size() > data_bytes_max_;
    if (!is_too_large_) event_.data += value;
  }
  if (value.size() > data_bytes_max_) return std::nullopt;
  if (field == "event") event_.type = value;
  if (field == "id" && value.find('\0') == std::string_view::npos) event_.id = value;
  return std::nullopt;
}

void LineReader::restart() {
  event_.type.clear();
  event_.data.clear();
  has_data_ = false;
  is_too_large_ = false;
}

std::optional<Event> ByteReader::feed(std::string_view& input) {
  while (!input.empty()) {
    if (std::exchange(is_after_cr_, false) && input.front() == '\n') {
      input.remove_prefix(1);
      continue;
    }
    auto const end = input.find_first_of("\r\n");
    line_.append(input.substr(0, end).substr(0, line_bytes_max_ - line_.size()));
    if (end == std::string_view::npos) {
      input = {};
      return std::nullopt;
    }
    is_after_cr_ = input[end] == '\r';
    input.remove_prefix(end + 1);
    if (auto event = end_line()) return event;
  }
  return std::nullopt;
}

std::optional<Event> ByteReader::finish() {
  if (!line_.empty()) static_cast<void>(end_line());  // which is not empty, and so completes nothing
  return lines_.take({});
}

std::optional<Event> ByteReader::end_line() {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::string_view line = line_;
  if (std::exchange(is_first_line_, false) && line.starts_with(byte_order_mark))
    line.remove_prefix(byte_order_mark.size());
  auto event = lines_.take(line);
  line_.clear();
  return event;
}

}  // namespace sojourn::sse
