// Reading and building the JSON objects of DevTools, where nearly everything may be absent. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sojourn {

// The member as an object, a list, a number or a truth; what is absent or something else is empty, or `otherwise`.
inline json::object const& find_object(json::object const& o, std::string_view key) {
  static json::object const empty;
  auto const* const value = o.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : empty;
}

inline json::array const& find_array(json::object const& o, std::string_view key) {
  static json::array const empty;
  auto const* const value = o.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : empty;
}

inline double find_number(json::object const& o, std::string_view key, double otherwise = 0) {
  auto const* const value = o.if_contains(key);
  if (value == nullptr || !value->is_number()) return otherwise;
  boost::system::error_code wrong;
  auto const number = value->to_number<double>(wrong);
  return wrong ? otherwise : number;
}

inline std::int64_t find_integer(json::object const& o, std::string_view key, std::int64_t otherwise = 0) {
  auto const number = find_number(o, key, static_cast<double>(otherwise));
  return number > -9e15 && number < 9e15 ? static_cast<std::int64_t>(number) : otherwise;
}

inline bool find_bool(json::object const& o, std::string_view key, bool otherwise = false) {
  auto const* const value = o.if_contains(key);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

// An object of one member.
template <typename T> json::object only(std::string_view key, T const& value) {
  json::object o;
  o[key] = value;
  return o;
}

}  // namespace sojourn
