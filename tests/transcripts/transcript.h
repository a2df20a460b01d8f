// Transcripts: exchanges written down as a person would, read into steps. README.md in this folder is the grammar.
// Invariant: a step keeps the number of its line; whatever is no step is an error that names its line. Values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sojourn::test {

struct Step {
  enum class Kind { request, answer, connect, say, hear, goodbye, drop, header };

  Kind kind = Kind::request;
  int line = 0;
  char who = 0;        // a connection's letter; 0 = a request or its answer
  std::string first;   // METHOD, STATUS, TARGET; a goodbye's code; a header's name
  std::string second;  // TARGET; the header of a connect; a header's value
  std::string text;    // body, message, or what is heard
};

struct Transcript {
  std::vector<Step> steps;
  std::string error;  // empty = none
};

// The word before the next blank; `rest` moves behind it.
inline std::string take_word(std::string_view& rest) {
  auto const end = rest.find(' ');
  std::string word(rest.substr(0, end));
  rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
  return word;
}

// What a connection does; nothing when the line is empty.
inline std::optional<Step> read_action(std::string_view rest, int line, char who) {
  auto const after = [&rest](std::string_view word) {
    bool const begins = rest == word || rest.starts_with(std::string(word) + " ");
    if (begins) rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    return begins;
  };
  if (rest.empty()) return std::nullopt;
  if (rest == "drop") return Step{Step::Kind::drop, line, who, {}, {}, {}};
  if (after("connect")) {
    auto target = take_word(rest);
    return Step{Step::Kind::connect, line, who, std::move(target), std::string(rest), {}};
  }
  if (after("close")) return Step{Step::Kind::goodbye, line, who, std::string(rest), {}, {}};
  after("binary");  // a message like any other for those who read it
  return Step{Step::Kind::say, line, who, {}, {}, std::string(rest)};
}

inline std::optional<Step> read_step(std::string_view line, int number) {
  if (line.starts_with("> ")) {
    line.remove_prefix(2);
    auto method = take_word(line);
    auto target = take_word(line);
    if (!target.starts_with('/')) return std::nullopt;
    return Step{Step::Kind::request, number, 0, std::move(method), std::move(target), std::string(line)};
  }
  if (line.starts_with("< ")) {
    line.remove_prefix(2);
    auto status = take_word(line);
    return Step{Step::Kind::answer, number, 0, std::move(status), {}, std::string(line)};
  }
  if (line.starts_with("+ ")) {
    line.remove_prefix(2);
    auto const colon = line.find(": ");
    if (colon == line.npos || colon == 0) return std::nullopt;
    return Step{
        Step::Kind::header, number, 0, std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)), {}};
  }
  if (line.size() < 4 || line[0] < 'A' || line[0] > 'Z' || line[2] != ' ') return std::nullopt;
  if (line[1] == '>') return read_action(line.substr(3), number, line[0]);
  if (line[1] == '<') return Step{Step::Kind::hear, number, line[0], {}, {}, std::string(line.substr(3))};
  return std::nullopt;
}

inline Transcript read_transcript(std::string_view text) {
  Transcript transcript;
  for (int number = 1; !text.empty(); ++number) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    auto step = read_step(line, number);
    if (!step) {
      transcript.error = "line " + std::to_string(number) + " is no step: " + std::string(line);
      return transcript;
    }
    transcript.steps.push_back(std::move(*step));
  }
  return transcript;
}

// What placeholders stand for in one replay.
class Placeholders {
 public:
  using Mint = std::function<std::string(std::string_view user, std::string_view scope)>;

  // `mint` makes what <token:USER:SCOPE> stands for, once for each.
  explicit Placeholders(Mint mint = nullptr) : mint_(std::move(mint)) {}

  // `text` with its known names and its tokens filled in.
  std::string fill(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      auto const name = name_at(text);
      auto const* const known = name ? find_or_mint(*name) : nullptr;
      if (known == nullptr) {
        out += text.front();
        text.remove_prefix(1);
      } else {
        out += *known;
        text.remove_prefix(text.find('>') + 1);
      }
    }
    return out;
  }

  // Whether `heard` is what `written` says; new names are remembered when it is.
  bool matches(std::string_view written, std::string_view heard) {
    auto learned = names_;
    while (!written.empty()) {
      auto const count = length_of(written, heard, learned);
      if (!count) return false;
      heard.remove_prefix(*count);
    }
    if (!heard.empty()) return false;
    names_ = std::move(learned);
    return true;
  }

 private:
  using Names = std::map<std::string, std::string, std::less<>>;
  using Count = std::optional<std::size_t>;

  // "id:a" of "<id:a>...".
  static std::optional<std::string> name_at(std::string_view text) {
    for (std::string_view const kind : {"<id:", "<text:", "<token:"}) {
      if (text.starts_with(kind) && text.find('>') != text.npos) return std::string(text.substr(1, text.find('>') - 1));
    }
    return std::nullopt;
  }
  std::string const* find_or_mint(std::string_view name) {
    if (auto const known = names_.find(name); known != names_.end()) return &known->second;
    if (!mint_ || !name.starts_with("token:")) return nullptr;
    auto const who = name.substr(6);
    auto const colon = who.find(':');
    auto const scope = colon == who.npos ? "write" : who.substr(colon + 1);
    return &(names_[std::string(name)] = mint_(who.substr(0, colon), scope));
  }
  static Count count_while(std::string_view text, bool (*is_so)(char)) {
    std::size_t count = 0;
    while (count < text.size() && is_so(text[count])) ++count;
    return count > 0 ? Count(count) : std::nullopt;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_id(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  }
  static bool is_no_quote(char c) { return c != '"'; }

  // Takes one character or placeholder off `written`; how much of `heard` it stands for.
  static Count length_of(std::string_view& written, std::string_view heard, Names& names) {
    if (auto const name = name_at(written)) {
      written.remove_prefix(written.find('>') + 1);
      return length_of_name(*name, heard, names);
    }
    struct Kind {
      std::string_view word;
      Count (*measure)(std::string_view heard);
    };
    static constexpr Kind kinds[] = {
        {"<ms>", [](std::string_view text) { return exactly(13, count_while(text, is_digit)); }},
        {"<iso>", [](std::string_view text) { return length_of_time(text, "dddd-dd-ddTdd:dd:dd.dddZ"); }},
        {"<time>", [](std::string_view text) { return length_of_time(text, "dddd-dd-ddTdd:dd:dd.ddddddZ"); }},
        {"<time?>", length_of_time_or_null},
        {"<number>", [](std::string_view text) { return count_while(text, is_digit); }},
        {"<any>", [](std::string_view text) { return count_while(text, is_no_quote); }},
    };
    for (auto const& kind : kinds) {
      if (!written.starts_with(kind.word)) continue;
      written.remove_prefix(kind.word.size());
      return kind.measure(heard);
    }
    bool const is_same = !heard.empty() && heard.front() == written.front();
    written.remove_prefix(1);
    return is_same ? Count(1) : std::nullopt;
  }
  static Count length_of_name(std::string const& name, std::string_view heard, Names& names) {
    if (auto const known = names.find(name); known != names.end())
      return heard.starts_with(known->second) ? Count(known->second.size()) : std::nullopt;
    if (name.starts_with("token:")) return std::nullopt;
    auto const count = count_while(heard, name.starts_with("id:") ? is_id : is_no_quote);
    if (count) names[name] = heard.substr(0, *count);
    return count;
  }
  static Count length_of_time_or_null(std::string_view text) {
    return text.starts_with("null") ? Count(4) : length_of_time(text, "\"dddd-dd-ddTdd:dd:dd.ddddddZ\"");
  }
  static Count exactly(std::size_t wanted, Count count) { return count == Count(wanted) ? count : std::nullopt; }
  static Count length_of_time(std::string_view text, std::string_view shape) {
    if (text.size() < shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return std::nullopt;
    }
    return shape.size();
  }

  Mint mint_;
  Names names_;
};

}  // namespace sojourn::test
