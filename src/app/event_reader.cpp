#include "app/event_reader.h"

#include <utility>

namespace sojourn {

std::optional<ReadEvent> EventReader::take(std::string_view line) {
  if (line.empty()) {
    std::optional<ReadEvent> done;
    if (has_data_ && !is_too_large_) {
      done = ReadEvent{event_.type.empty() ? "message" : std::move(event_.type), std::move(event_.data), event_.id};
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
  if (field == "event") event_.type = value;
  if (field == "id" && value.find('\0') == std::string_view::npos) event_.id = value;
  return std::nullopt;
}

void EventReader::restart() {
  event_.type.clear();
  event_.data.clear();
  has_data_ = false;
  is_too_large_ = false;
}

}  // namespace sojourn
