#include "base/json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/value_stack.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>

namespace sojourn::json {
namespace {

using boost::json::string_view;
using boost::system::error_code;

// Boost's own reader of doubles is off by a last digit in one number of ten, and messages are to arrive unchanged.
double read_double(string_view text, double otherwise) {
  double number = otherwise;
  auto const result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? number : otherwise;
}

// What Boost's parser calls while it reads; the names and constants are its.
struct Builder {
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  explicit Builder(std::span<unsigned char> room) : stack({}, room.data(), room.size()) {}

  boost::json::value_stack stack;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t count, error_code&) { return stack.push_object(count), true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t count, error_code&) { return stack.push_array(count), true; }
  bool on_key_part(string_view text, std::size_t, error_code&) { return stack.push_chars(text), true; }
  bool on_key(string_view text, std::size_t, error_code&) { return stack.push_key(text), true; }
  bool on_string_part(string_view text, std::size_t, error_code&) { return stack.push_chars(text), true; }
  bool on_string(string_view text, std::size_t, error_code&) { return stack.push_string(text), true; }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, string_view, error_code&) { return stack.push_int64(number), true; }
  bool on_uint64(std::uint64_t number, string_view, error_code&) { return stack.push_uint64(number), true; }
  bool on_double(double number, string_view text, error_code& failure) {
    auto const exact = read_double(text, number);
    // What no double holds would come back as something else.
    if (!std::isfinite(exact)) {
      failure = boost::json::make_error_code(boost::json::error::exponent_overflow);
      return false;
    }
    return stack.push_double(exact), true;
  }
  bool on_bool(bool truth, error_code&) { return stack.push_bool(truth), true; }
  bool on_null(error_code&) { return stack.push_null(), true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

// ECMA-262, Number::toString: the shortest digits that read back the same, and where the point goes.
void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> text{};
  auto const end =
      std::to_chars(text.data(), text.data() + text.size(), std::fabs(number), std::chars_format::scientific).ptr;
  std::string_view const shortest(text.data(), static_cast<std::size_t>(end - text.data()));
  auto const e = shortest.find('e');
  std::string digits(1, shortest[0]);
  if (e > 1) digits.append(shortest, 2, e - 2);
  int exponent = 0;
  std::from_chars(text.data() + e + 2, end, exponent);
  if (shortest[e + 1] == '-') exponent = -exponent;

  if (number < 0) out += '-';  // so that -0 is 0, as in JavaScript
  int const size = static_cast<int>(digits.size());
  if (exponent >= 21 || exponent < -6) {
    if (size > 1) digits.insert(1, 1, '.');
    out += digits + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  } else if (exponent < 0) {
    out += "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  } else if (size > exponent + 1) {
    out += digits.insert(static_cast<std::size_t>(exponent + 1), 1, '.');
  } else {
    out += digits.append(static_cast<std::size_t>(exponent + 1 - size), '0');
  }
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

Result<value> parse(std::string_view text, std::size_t depth) {
  boost::json::parse_options options;
  options.max_depth = depth;
  std::array<unsigned char, 4096> room;  // so that a short text costs no allocation but its values
  boost::json::basic_parser<Builder> parser(options, room);
  parser.handler().stack.reset();
  error_code ec;
  auto const used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = boost::json::error::extra_data;
  if (ec) return error(Code::invalid, "not valid JSON: " + ec.message());
  return parser.handler().stack.release();
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
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain_from, i - plain_from);
    append_escape(out, c);
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
