#pragma once
// Reads server-sent events (WHATWG HTML, section 9.2.6) out of a stream's lines.
// Invariant: what it holds of one event is bounded. Thread: any, one at a time.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn {

struct ReadEvent {
  std::string type;  // "message" when the stream does not say
  std::string data;
  std::string id;  // the last one that the stream named, of this event or before it
};

class EventReader {
 public:
  explicit EventReader(std::size_t data_bytes_max = std::size_t{16} * 1024 * 1024) : data_bytes_max_(data_bytes_max) {}

  // Takes the next line, without its end; gives the event that it completes. Events without data are none, as the
  // standard has it, and neither are those over data_bytes_max.
  [[nodiscard]] std::optional<ReadEvent> take(std::string_view line);

  // Forgets the event that a broken connection left half read. The id stays.
  void restart();

 private:
  std::size_t data_bytes_max_;
  ReadEvent event_;
  bool has_data_ = false;
  bool is_too_large_ = false;
};

}  // namespace sojourn
