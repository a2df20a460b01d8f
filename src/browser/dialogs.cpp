#include "browser/dialogs.h"

#include <utility>

namespace sojourn {
namespace {

// Cut between two characters.
std::string cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return std::string(text.substr(0, bytes_max)) + "...";
}

}  // namespace

Dialogs::Reply Dialogs::on_opening(json::object const& params, std::int64_t now_us) {
  Reply reply;
  auto const type = json::find_string(params, "type", "alert");
  reply.accepts = type == "beforeunload";
  reply.dialog["type"] = std::string(type);
  reply.dialog["message"] = cut(json::find_string(params, "message"), message_bytes_max);
  reply.dialog["action"] = reply.accepts ? "accepted" : "dismissed";
  if (++count_ <= kept_max) kept_.emplace_back(reply.dialog);
  reply.is_storm = count_ % storm == 0;
  if (auto const second = now_us / 1'000'000; second != second_) {
    second_ = second;
    told_ = 0;
  }
  reply.is_told = ++told_ <= told_max;
  return reply;
}

json::array Dialogs::take() {
  count_ = 0;
  return std::exchange(kept_, {});
}

}  // namespace sojourn
