#include "base/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace sojourn::json {
namespace {

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 40> text{};
  // JavaScript switches to exponents at 1e21 and 1e-7; to_chars would do so earlier.
  double const size = std::fabs(number);
  bool const plain = size == 0 || (size >= 1e-6 && size < 1e21);
  auto const [end, ec] =
      plain ? std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed)
            : std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific);
  if (ec == std::errc()) out.append(text.data(), end);
}

template <typename Number> void append_integer(std::string& out, Number number) {
  std::array<char, 24> text{};
  auto const end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void append_object(std::string& out, object const& members) {
  out += '{';
  bool first = true;
  for (auto const& member : members) {
    if (!first) out += ',';
    first = false;
    append_string(out, std::string_view(member.key().data(), member.key().size()));
    out += ':';
    append(out, member.value());
  }
  out += '}';
}

void append_array(std::string& out, array const& items) {
  out += '[';
  bool first = true;
  for (auto const& item : items) {
    if (!first) out += ',';
    first = false;
    append(out, item);
  }
  out += ']';
}

void append_escape(std::string& out, unsigned char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += digits[c >> 4U];
      out += digits[c & 15U];
  }
}

}  // namespace

Result<value> parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = depth_max;
  boost::system::error_code ec;
  value parsed = boost::json::parse(boost::json::string_view(text.data(), text.size()), ec, {}, options);
  if (ec) return error(Code::invalid, "not valid JSON: " + ec.message());
  return parsed;
}

void append(std::string& out, value const& v) {
  switch (v.kind()) {
    case boost::json::kind::null:
      out += "null";
      return;
    case boost::json::kind::bool_:
      out += v.get_bool() ? "true" : "false";
      return;
    case boost::json::kind::int64:
      return append_integer(out, v.get_int64());
    case boost::json::kind::uint64:
      return append_integer(out, v.get_uint64());
    case boost::json::kind::double_:
      return append_double(out, v.get_double());
    case boost::json::kind::string:
      return append_string(out, std::string_view(v.get_string().data(), v.get_string().size()));
    case boost::json::kind::array:
      return append_array(out, v.get_array());
    case boost::json::kind::object:
      return append_object(out, v.get_object());
  }
}

std::string to_text(value const& v) {
  std::string out;
  append(out, v);
  return out;
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    bool const separator =
        c == 0xe2 && i + 2 < text.size() && text[i + 1] == '\x80' && (text[i + 2] == '\xa8' || text[i + 2] == '\xa9');
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && !separator) continue;
    out.append(text, plain_from, i - plain_from);
    if (separator) {
      out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      append_escape(out, c);
    }
    plain_from = i + 1;
  }
  out.append(text, plain_from);
  out += '"';
}

std::string_view find_string(object const& o, std::string_view key, std::string_view otherwise) {
  auto const* member = o.if_contains(boost::json::string_view(key.data(), key.size()));
  if (member == nullptr || !member->is_string()) return otherwise;
  return {member->get_string().data(), member->get_string().size()};
}

}  // namespace sojourn::json
