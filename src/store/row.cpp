#include "store/row.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace sojourn {
namespace {

// What a change has.
constexpr std::uint64_t has_event = 1;
constexpr std::uint64_t has_forgetting = 2;

void append(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out += static_cast<char>(number | 0x80U);
  out += static_cast<char>(number);
}

void append(std::string& out, std::string_view text) {
  append(out, std::uint64_t{text.size()});
  out += text;
}

// Takes one thing after the other off the front. After the first that is not there, nothing is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  bool is_good() const { return good_; }
  bool is_at_end() const { return left_.empty(); }

  std::uint64_t number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      auto const byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      number |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return number;
    }
    return fail();
  }

  std::string text() {
    auto const size = number();
    if (size > left_.size()) fail();
    if (!good_) return {};
    std::string text(left_.substr(0, size));
    left_.remove_prefix(size);
    return text;
  }

  // Refuses what is beyond `last`.
  std::uint64_t number_to(std::uint64_t last) {
    auto const value = number();
    return value > last ? fail() : value;
  }

 private:
  std::uint64_t fail() {
    good_ = false;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool good_ = true;
};

EventRef read_event(Reader& reader) {
  auto event = std::make_shared<Event>();
  event->seq = reader.number();
  event->at_us = static_cast<std::int64_t>(reader.number());
  event->type = static_cast<EventType>(reader.number_to(static_cast<std::uint64_t>(EventType::closed)));
  event->from = reader.number();
  event->name = reader.text();
  event->data = reader.text();
  event->request_id = reader.text();
  event->user = reader.text();
  return event;
}

Change read_change(Reader& reader) {
  Change change;
  change.session_id = reader.text();
  auto const parts = reader.number_to(has_event | has_forgetting);
  change.forgets = (parts & has_forgetting) != 0;
  change.first_seq = reader.number();
  if ((parts & has_event) != 0) change.event = read_event(reader);
  for (auto left = reader.number(); left > 0 && reader.is_good(); --left) {
    Mark mark{reader.text(), std::nullopt};
    if (reader.number_to(1) == 1) mark.value = reader.text();
    change.marks.push_back(std::move(mark));
  }
  return change;
}

template <typename T> std::optional<std::vector<T>> read_all(std::string_view bytes, T (*read)(Reader&)) {
  std::vector<T> all;
  Reader reader(bytes);
  while (!reader.is_at_end()) {
    all.push_back(read(reader));
    if (!reader.is_good()) return std::nullopt;
  }
  return all;
}

}  // namespace

void append(std::string& out, Event const& event) {
  append(out, event.seq);
  append(out, static_cast<std::uint64_t>(event.at_us));
  append(out, static_cast<std::uint64_t>(event.type));
  append(out, event.from);
  append(out, std::string_view(event.name));
  append(out, std::string_view(event.data));
  append(out, std::string_view(event.request_id));
  append(out, std::string_view(event.user));
}

void append(std::string& out, Change const& change) {
  append(out, std::string_view(change.session_id));
  append(out, (change.event ? has_event : 0) | (change.forgets ? has_forgetting : 0));
  append(out, change.first_seq);
  if (change.event) append(out, *change.event);
  append(out, std::uint64_t{change.marks.size()});
  for (auto const& mark : change.marks) {
    append(out, std::string_view(mark.name));
    append(out, std::uint64_t{mark.value.has_value()});
    if (mark.value) append(out, std::string_view(*mark.value));
  }
}

std::optional<std::vector<EventRef>> parse_events(std::string_view bytes) { return read_all(bytes, read_event); }

std::optional<std::vector<Change>> parse_changes(std::string_view bytes) { return read_all(bytes, read_change); }

}  // namespace sojourn
