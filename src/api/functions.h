// The browser functions as one table: their names, what each takes and what it gives. Everything that offers them (the
// native API, the documented app, its command line, the descriptions for machines) is made of it and can't differ.
// Invariant: documented fields stand before ours. Constant data; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/browser.h"

namespace sojourn {

enum class FieldType : std::uint8_t {
  text,       // any
  line,       // without control characters
  language,   // a tag such as de-DE
  time_zone,  // a name such as Europe/Berlin
  integer,    // a whole number
  boolean,
  choice,  // one of some words
  files,   // a list of texts and file objects
};

enum class FieldGroup : std::uint8_t { documented, ours };

// One member of an input. A member that is null is one that is not given.
struct FunctionField {
  std::string_view name;
  FieldType type = FieldType::text;
  std::string_view default_json = "null";  // of one that is not given
  std::string_view summary = {};
  bool is_required = false;
  std::int64_t least = 0;  // of an integer
  std::int64_t most = 0;   // of an integer; of a text's bytes; of a list's entries
  std::span<std::string_view const> choices = {};
  FieldGroup group = FieldGroup::documented;
  bool is_logged = false;      // it may stand in the session's log
  bool is_of_session = false;  // it says what the session's browser is to be (BrowserWish)
};

// One member of an output. `type` is string, integer, number, boolean, null, any, or the name of an output type; behind
// it stands [] for a list, ? for what may be null.
struct OutputField {
  std::string_view name;
  std::string_view type;
  std::string_view summary = {};
  FieldGroup group = FieldGroup::documented;
  bool is_always_there = true;
};

struct OutputType {
  std::string_view name;
  std::span<OutputField const> fields;
};

struct FunctionRow {
  Function function;
  std::string_view summary;
  std::span<FunctionField const> input;
  std::span<OutputField const> output;
};

// The functions, in the order of Function.
std::span<FunctionRow const> function_table();
FunctionRow const& row(Function function);

// What outputs are made of.
std::span<OutputType const> output_types();

// By its name; "run" is another name of open.
std::optional<Function> to_function(std::string_view name);

// "open, snapshot, ..."
std::string function_names();

}  // namespace sojourn
