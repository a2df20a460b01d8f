#pragma once
// Server-sent events (WHATWG HTML, section 9.2.6): a machine over lines, and one over bytes before it.
// Invariant: what is held of one event is bounded; how the bytes are cut into calls never changes what comes out.
// Thread: values; no sharing. No socket, no clock.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn::sse {

struct Event {
  std::string type;  // "message" when the stream does not say
  std::string data;
  std::string id;  // the last one that the stream named, of this event or before it
};

// Reads a stream's lines.
class LineReader {
 public:
  explicit LineReader(std::size_t data_bytes_max = std::size_t{16} * 1024 * 1024) : data_bytes_max_(data_bytes_max) {}

  // Takes the next line, without its end; gives the event that it completes. Events without data are none, as the
  // standard has it, and neither are those over data_bytes_max; a longer type or id is ignored.
  [[nodiscard]] std::optional<Event> take(std::string_view line);

  // Forgets the event that a broken connection left half read. The id stays.
  void restart();

 private:
  std::size_t data_bytes_max_;
  Event event_;
  bool has_data_ = false;
  bool is_too_large_ = false;
};

// Reads a stream's bytes, cut anywhere. Lines end with CR, LF or both; a byte order mark at the beginning is skipped.
class ByteReader {
 public:
  explicit ByteReader(std::size_t data_bytes_max) : lines_(data_bytes_max), line_bytes_max_(data_bytes_max + 16) {}

  // Consumes from the front of `input`, advancing it, up to the end of an event, which it gives; without one all of
  // input is consumed.
  [[nodiscard]] std::optional<Event> feed(std::string_view& input);

  // The stream has ended: the event that no empty line completed. Stricter readers drop it; whole answers end so.
  [[nodiscard]] std::optional<Event> finish();

 private:
  std::optional<Event> end_line();

  LineReader lines_;
  std::size_t line_bytes_max_;  // with a longer one, cut here, the event is over data_bytes_max as well
  std::string line_;
  bool is_first_line_ = true;
  bool is_after_cr_ = false;
};

}  // namespace sojourn::sse
