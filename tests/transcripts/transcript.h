// Transcripts: exchanges written down as a person would, read into steps. README.md in this folder is the grammar.
// Invariant: a step keeps the number of its line; whatever is no step is an error that names its line. Values.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sojourn::test {

struct Step {
  enum class Kind { request, answer, connect, say, hear, goodbye, drop };

  Kind kind = Kind::request;
  int line = 0;
  char who = 0;        // a connection's letter; 0 = a request or its answer
  std::string first;   // METHOD, STATUS, TARGET; a goodbye's code
  std::string second;  // TARGET; the header of a connect
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
  // `text` with its known <id:NAME> filled in.
  std::string fill(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      auto const name = name_at(text);
      auto const known = name ? ids_.find(*name) : ids_.end();
      if (known == ids_.end()) {
        out += text.front();
        text.remove_prefix(1);
      } else {
        out += known->second;
        text.remove_prefix(text.find('>') + 1);
      }
    }
    return out;
  }

  // Whether `heard` is what `written` says; new ids are remembered when it is.
  bool matches(std::string_view written, std::string_view heard) {
    auto learned = ids_;
    while (!written.empty()) {
      auto const count = length_of(written, heard, learned);
      if (!count) return false;
      heard.remove_prefix(*count);
    }
    if (!heard.empty()) return false;
    ids_ = std::move(learned);
    return true;
  }

 private:
  using Ids = std::map<std::string, std::string, std::less<>>;

  static std::optional<std::string> name_at(std::string_view text) {
    if (!text.starts_with("<id:") || text.find('>') == text.npos) return std::nullopt;
    return std::string(text.substr(4, text.find('>') - 4));
  }
  static std::size_t count_while(std::string_view text, bool (*is_so)(char)) {
    std::size_t count = 0;
    while (count < text.size() && is_so(text[count])) ++count;
    return count;
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_id(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  }

  // Takes one character or placeholder off `written`; how much of `heard` it stands for.
  static std::optional<std::size_t> length_of(std::string_view& written, std::string_view heard, Ids& ids) {
    auto const name = name_at(written);
    bool const is_ms = written.starts_with("<ms>");
    bool const is_iso = written.starts_with("<iso>");
    bool const is_any = written.starts_with("<any>");
    if (!name && !is_ms && !is_iso && !is_any) {
      bool const same = !heard.empty() && heard.front() == written.front();
      written.remove_prefix(1);
      return same ? std::optional<std::size_t>(1) : std::nullopt;
    }
    written.remove_prefix(written.find('>') + 1);
    std::size_t count = 0;
    bool fits = false;
    if (name) {
      auto const known = ids.find(*name);
      count = known != ids.end() ? known->second.size() : count_while(heard, is_id);
      fits = known != ids.end() ? heard.starts_with(known->second) : count > 0;
      if (fits) ids[*name] = heard.substr(0, count);
    } else if (is_ms) {
      count = count_while(heard, is_digit);
      fits = count == 13;
    } else if (is_iso) {
      count = 24;
      fits = is_time(heard.substr(0, count));
    } else {
      count = count_while(heard, [](char c) { return c != '"'; });
      fits = count > 0;
    }
    return fits ? std::optional(count) : std::nullopt;
  }
  static bool is_time(std::string_view text) {
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (text.size() != shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
    }
    return true;
  }

  Ids ids_;
};

}  // namespace sojourn::test
