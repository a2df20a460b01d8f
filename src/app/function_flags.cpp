#include "app/function_flags.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "app/nearest.h"

namespace sojourn {
namespace {

constexpr std::size_t flag_columns = 24;
constexpr std::size_t line_columns = 118;

bool is_on(FunctionField const& field) { return field.type == FieldType::boolean && field.default_json == "true"; }

// What stands for the value in a help text.
std::string describe_value(FunctionField const& field) {
  switch (field.type) {
    case FieldType::boolean:
      return "";
    case FieldType::integer:
      return " N";
    case FieldType::choice: {
      std::string words;
      for (auto const word : field.choices) words.append(words.empty() ? " " : "|").append(word);
      return words;
    }
    default:
      return " TEXT";
  }
}

std::string describe_meaning(FunctionField const& field) {
  std::string text(field.summary);
  if (text.empty()) text = std::string(field.name);
  if (field.name == "interactive_only")
    return "headings, text, images and landmarks too, not only what can be acted on";
  if (field.name == "screenshot") return "take no screenshot, which is faster";
  if (is_on(field)) return "not: " + text;
  bool const tells_default = field.default_json != "null" && field.type != FieldType::boolean;
  if (!tells_default) return text;
  std::string otherwise(field.default_json);
  std::erase(otherwise, '"');
  return text + "; default " + otherwise;
}

std::string refuse_other_words(FunctionField const& field, std::string const& text) {
  if (std::ranges::find(field.choices, text) != field.choices.end()) return "";
  return "\"" + text + "\" is none of them; " + suggest(text, field.choices);
}

std::string refuse_no_number(std::string const& text) {
  std::int64_t number = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, ec] = std::from_chars(text.data(), end, number);
  return ec == std::errc() && stop == end ? "" : "\"" + text + "\" is no whole number";
}

std::string refuse(FunctionField const& field, std::string const& text) {
  if (field.type == FieldType::choice) return refuse_other_words(field, text);
  if (field.type == FieldType::integer) return refuse_no_number(text);
  return text.empty() ? "the value is empty" : "";
}

json::value to_json(FunctionField const& field, std::string const& text) {
  if (field.type != FieldType::integer) return json::value(text);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Words go to the next line, under the first one, where the screen ends.
void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = flag_columns + 4;
  while (!text.empty()) {
    auto const word = text.substr(0, text.find(' '));
    if (column + word.size() > line_columns) {
      out += "\n" + std::string(flag_columns + 4, ' ');
      column = flag_columns + 4;
    } else if (column > flag_columns + 4) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
}

}  // namespace

bool has_flag(Function function, FunctionField const& field) {
  if (function == Function::interact) return field.group == FieldGroup::ours;
  return !field.is_required;
}

std::string to_flag(FunctionField const& field) {
  if (field.name == "interactive_only") return "--all";
  std::string name(field.name);
  std::ranges::replace(name, '_', '-');
  return (is_on(field) ? "--no-" : "--") + name;
}

void add_flags(CLI::App& command, Function function, json::object& input) {
  for (auto const& field : row(function).input) {
    if (!has_flag(function, field)) continue;
    if (field.type == FieldType::boolean) {
      command.add_flag_callback(to_flag(field), [&field, &input] { input[field.name] = !is_on(field); });
      continue;
    }
    auto const take = [&field, &input](std::string const& text) { input[field.name] = to_json(field, text); };
    auto const check = [&field](std::string const& text) { return refuse(field, text); };
    command.add_option_function<std::string>(to_flag(field), take)->take_last()->check(check);
  }
}

std::string describe_flags(Function function) {
  std::string out;
  for (auto const& field : row(function).input) {
    if (!has_flag(function, field)) continue;
    auto const flag = to_flag(field) + describe_value(field);
    out += "  " + flag;
    if (flag.size() > flag_columns) {
      out += "\n" + std::string(flag_columns + 4, ' ');
    } else {
      out += std::string(flag_columns + 2 - flag.size(), ' ');
    }
    append_wrapped(out, describe_meaning(field));
    out += '\n';
  }
  return out;
}

}  // namespace sojourn
