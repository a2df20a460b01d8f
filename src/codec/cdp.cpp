#include "codec/cdp.h"

#include <charconv>

#include "base/json.h"

namespace sojourn::cdp {
namespace {

// Walks over the members of one JSON object without looking into their values. It trusts the nesting that it counts,
// not the grammar: what is taken out is parsed by whoever uses it.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  bool open() { return skip('{'); }
  bool close() { return skip('}'); }

  // The next member, as it stands.
  bool member(std::string_view& name, std::string_view& value) {
    if (!is_first_ && !skip(',')) return false;
    is_first_ = false;
    space();
    if (!string(name) || !skip(':')) return false;
    space();
    auto const begin = at_;
    if (!pass_value()) return false;
    value = text_.substr(begin, at_ - begin);
    return true;
  }

  bool is_at_close() {
    space();
    return at_ < text_.size() && text_[at_] == '}';
  }
  bool is_at_end() {
    space();
    return at_ == text_.size();
  }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool skip(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // The inside of a string; escapes stay.
  bool string(std::string_view& inside) {
    if (at_ >= text_.size() || text_[at_] != '"') return false;
    auto const begin = ++at_;
    for (;;) {
      at_ = text_.find_first_of("\"\\", at_);
      if (at_ == std::string_view::npos) return false;
      if (text_[at_] == '"') break;
      at_ += 2;
    }
    inside = text_.substr(begin, at_ - begin);
    ++at_;
    return true;
  }
  bool pass_value() {
    std::size_t depth = 0;
    std::string_view ignored;
    for (;;) {
      if (at_ >= text_.size()) return false;
      char const c = text_[at_];
      if (c == '"') {
        if (!string(ignored)) return false;
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return true;  // of the object around it
        --depth;
        ++at_;
      } else if (depth == 0 && c == ',') {
        return true;
      } else if (auto const next = text_.find_first_of("\"{}[],", at_); depth > 0 && c == ',') {
        ++at_;
        continue;
      } else {
        at_ = next == std::string_view::npos ? text_.size() : next;
      }
      if (depth == 0 && (c == '"' || c == '}' || c == ']')) return true;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_first_ = true;
};

Error no_message() { return error(Code::invalid, "what the browser says is no message of the DevTools protocol"); }

std::string_view unquote(std::string_view value) {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2) : std::string_view();
}

}  // namespace

bool Framer::next(std::string_view& text) {
  if (is_given_) {
    begun_.clear();
    is_given_ = false;
  }
  if (has_failed_) return false;
  auto const end = fresh_.find('\0');
  if (begun_.size() + (end == std::string_view::npos ? fresh_.size() : end) > text_bytes_max_) {
    has_failed_ = true;
    begun_ = {};
    return false;
  }
  if (end == std::string_view::npos) {
    begun_.append(fresh_);
    fresh_ = {};
    return false;
  }
  if (begun_.empty()) {
    text = fresh_.substr(0, end);
  } else {
    begun_.append(fresh_.substr(0, end));
    text = begun_;
    is_given_ = true;
  }
  fresh_.remove_prefix(end + 1);
  return true;
}

Result<Message> read(std::string_view text) {
  Walk walk(text);
  if (!walk.open()) return no_message();
  Message message;
  while (!walk.is_at_close()) {
    std::string_view name;
    std::string_view value;
    if (!walk.member(name, value)) return no_message();
    if (name == "id") {
      auto const [end, ec] = std::from_chars(value.data(), value.data() + value.size(), message.id);
      if (ec != std::errc() || message.id <= 0) return no_message();
    } else if (name == "method") {
      message.method = unquote(value);
    } else if (name == "sessionId") {
      message.session = unquote(value);
    } else if (name == "result" || name == "params" || name == "error") {
      message.body = value;
      message.is_error = name == "error";
    }
  }
  if (!walk.close() || !walk.is_at_end() || (message.id == 0 && message.method.empty())) return no_message();
  return message;
}

void append_command(std::string& out, std::int64_t id, std::string_view method, std::string_view session,
                    std::string_view params) {
  out.append("{\"id\":").append(std::to_string(id)).append(",\"method\":");
  json::append_string(out, method);
  if (!session.empty()) {
    out += ",\"sessionId\":";
    json::append_string(out, session);
  }
  if (!params.empty()) out.append(",\"params\":").append(params);
  out += '}';
  out += '\0';
}

}  // namespace sojourn::cdp
