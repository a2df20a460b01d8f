// The same bytes, cut differently, give the same texts and the same end, none longer than the limit. A text that is
// read as a message is one with its parts inside it; what a JSON parser takes for a message is read with the same
// parts; and a command that is made of what was read is a message again. The first byte of the data chooses the limit.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"
#include "codec/cdp.h"

namespace {

using namespace sojourn;

void require(bool holds) {
  if (!holds) std::abort();
}

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

std::vector<std::string> frame(std::string_view bytes, std::size_t chop, std::size_t limit) {
  cdp::Framer framer(limit);
  std::vector<std::string> texts;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(chop, bytes.size()))) {
    auto const part = bytes.substr(0, chop);
    std::vector<char> const piece(part.begin(), part.end());  // memory of its own, so that reading beyond it is found
    framer.take({piece.data(), piece.size()});
    for (std::string_view text; framer.next(text);) {
      require(text.size() <= limit);
      texts.emplace_back(text);
    }
  }
  if (framer.has_failed()) texts.emplace_back("\0failed", 7);
  return texts;
}

void check_command(cdp::Message const& message) {
  if (!is_utf8(message.method) || !is_utf8(message.session)) return;
  std::string command;
  cdp::append_command(command, 1, message.method, message.session, message.is_error ? "" : message.body);
  require(command.back() == '\0');
  command.pop_back();
  if (!json::parse(command, 512)) return;  // its parameters are as they came
  auto const back = cdp::read(command);
  require(back && back->id == 1);
}

void check_text(std::string_view text) {
  auto const message = cdp::read(text);
  auto const parsed = json::parse(text, 512);
  if (!message) {
    require(message.error().code == Code::invalid);
    return;
  }
  for (auto const part : {message->method, message->session, message->body}) require(lies_in(part, text));
  require(message->id > 0 || !message->method.empty());
  check_command(*message);
  if (!parsed) return;
  require(parsed->is_object());
  if (message->body.empty()) return;
  require(json::parse(message->body, 512).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
  std::size_t const limit = std::size_t{1} << (data[0] & 15);
  auto const whole = frame(bytes, std::max<std::size_t>(bytes.size(), 1), limit);
  for (std::size_t const chop : {1, 2, 3, 7, 64}) require(frame(bytes, chop, limit) == whole);
  for (auto const& text : whole) check_text(text);
  check_text(bytes);
  return 0;
}
