#include "app/action.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "app/file.h"
#include "app/nearest.h"
#include "app/question.h"
#include "base/crypto.h"

namespace sojourn {
namespace {

constexpr std::size_t file_bytes_max = std::size_t{64} * 1024 * 1024;

using Words = std::span<std::string const>;

struct Speaker {
  json::object& input;
  Terminal& terminal;
};

// False: the words do not fit.
using Take = Result<bool> (*)(Words words, Speaker speaker);

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What a shell took apart, unless it is to be read.
Result<std::string> join(Words words, Terminal& terminal) {
  if (words.size() == 1 && words[0] == "-") {
    auto text = take_text(words[0], terminal);
    if (text && text->ends_with('\n')) text->pop_back();
    return text;
  }
  std::string text;
  for (auto const& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

Result<bool> take_ref(Words words, Speaker speaker) {
  if (words.size() != 1) return false;
  speaker.input["ref"] = words[0];
  return true;
}

Result<bool> take_text_words(Words words, Speaker speaker) {
  if (words.empty()) return false;
  auto text = join(words, speaker.terminal);
  if (!text) return text.error();
  speaker.input["text"] = std::move(*text);
  return true;
}

Result<bool> take_ref_and_text(Words words, Speaker speaker) {
  if (words.size() < 2) return false;
  speaker.input["ref"] = words[0];
  return take_text_words(words.subspan(1), speaker);
}

Result<bool> take_two_refs(Words words, Speaker speaker) {
  if (words.size() != 2) return false;
  speaker.input["ref"] = words[0];
  speaker.input["target_ref"] = words[1];
  return true;
}

Result<bool> take_files(Words words, Speaker speaker) {
  if (words.size() < 2) return false;
  json::array files;
  for (auto const& path : words.subspan(1)) {
    auto const content = read_file(path, file_bytes_max);
    if (!content) return error(Code::invalid, content.error().message);
    auto const* const bytes = reinterpret_cast<unsigned char const*>(content->data());
    files.push_back(json::object{{"filename", path.substr(path.rfind('/') + 1)},
                                 {"content", base64_encode({bytes, content->size()})}});
  }
  speaker.input["ref"] = words[0];
  speaker.input["file_paths"] = std::move(files);
  return true;
}

Result<bool> take_scroll(Words words, Speaker speaker) {
  constexpr std::array<std::string_view, 4> directions{"up", "down", "left", "right"};
  if (words.empty()) return true;
  if (words.size() > 2) return false;
  if (std::ranges::find(directions, words[0]) == directions.end()) {
    if (words.size() == 2 || to_number(words[0])) return false;
    speaker.input["ref"] = words[0];
    return true;
  }
  speaker.input["direction"] = words[0];
  if (words.size() == 1) return true;
  auto const amount = to_number(words[1]);
  if (!amount) return false;
  speaker.input["scroll_amount"] = *amount;
  return true;
}

Result<bool> take_nothing(Words words, Speaker) { return words.empty(); }

Result<bool> take_ms(Words words, Speaker speaker) {
  if (words.empty()) return true;
  auto const ms = to_number(words[0]);
  if (!ms || words.size() > 1) return false;
  speaker.input["wait_ms"] = *ms;
  return true;
}

Result<bool> take_url(Words words, Speaker speaker) {
  if (words.size() != 1) return false;
  speaker.input["url"] = words[0];
  return true;
}

struct Form {
  std::string_view action;
  std::string_view words;
  std::string_view meaning;
  Take take;
};

constexpr std::array forms{
    Form{"click", "REF", "click on an element", take_ref},
    Form{"dblclick", "REF", "twice", take_ref},
    Form{"fill", "REF TEXT", "replace what stands in a field; - reads standard input", take_ref_and_text},
    Form{"type", "TEXT", "type into the element that has the focus; - reads standard input", take_text_words},
    Form{"press", "KEY", "Enter, Escape, Control+a, ...", take_text_words},
    Form{"select", "REF LABEL", "choose an option", take_ref_and_text},
    Form{"hover", "REF", "move the mouse there", take_ref},
    Form{"check", "REF", "tick a box", take_ref},
    Form{"uncheck", "REF", "", take_ref},
    Form{"drag", "REF REF", "from one element to another", take_two_refs},
    Form{"upload", "REF FILE...", "give files of this machine to a file field", take_files},
    Form{"scroll", "[up|down|left|right [N]]", "by N pixels (default 400)", take_scroll},
    Form{"scroll", "REF", "until the element is to be seen", take_scroll},
    Form{"back", "", "to the page before", take_nothing},
    Form{"wait", "[MS]", "(default 1000)", take_ms},
    Form{"goto", "URL", "go to another page", take_url},
};

Error unknown_action(std::string const& action) {
  std::vector<std::string_view> names;
  for (auto const& form : forms) {
    if (names.empty() || names.back() != form.action) names.push_back(form.action);
  }
  return error(Code::usage, "interact: there is no action \"" + action + "\"; " + suggest(action, names));
}

}  // namespace

Result<json::object> to_interact_input(std::vector<std::string> const& words, Terminal& terminal) {
  if (words.empty()) return error(Code::usage, "interact: ACTION is required; see: sojourn interact --help");
  auto const* const form = std::ranges::find(forms, words.front(), &Form::action);
  if (form == forms.end()) return unknown_action(words.front());
  json::object input{{"action", words.front()}};
  auto const taken = form->take(Words(words).subspan(1), {input, terminal});
  if (!taken) return taken.error();
  if (*taken) return input;
  std::string const usage = std::string(form->action) + (form->words.empty() ? "" : " ") + std::string(form->words);
  return error(Code::usage, "interact: write it as: sojourn interact ID " + usage);
}

std::string describe_actions() {
  std::string out;
  for (auto const& form : forms) {
    auto const words = std::string(form.action) + (form.words.empty() ? "" : " ") + std::string(form.words);
    out += "  " + words;
    if (!form.meaning.empty()) {
      out += words.size() < 24 ? std::string(26 - words.size(), ' ') : "  ";
      out += form.meaning;
    }
    out += '\n';
  }
  return out;
}

}  // namespace sojourn
