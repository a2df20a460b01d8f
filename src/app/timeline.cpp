#include "app/timeline.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "app/sessions.h"
#include "app/table.h"
#include "app/words.h"

namespace sojourn {
namespace {

constexpr std::int64_t page_events_max = 1000;
constexpr std::size_t type_columns = 18;
constexpr std::size_t who_columns = 10;

// As wide as the column at least; what is longer pushes the rest.
std::string pad(std::string text, std::size_t columns) {
  auto const used = count_columns(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

std::string describe_who(json::object const& event) {
  auto const user = json::find_string(event, "user");
  auto const from = json::find_string(event, "from");
  if (user.empty()) return visible(from);
  return visible(user) + (from.empty() ? "" : " (" + visible(from) + ")");
}

// Its data, or what it has instead.
std::string describe_content(json::object const& event) {
  if (auto const* const data = event.if_contains("data")) return data->is_null() ? "" : json::to_text(*data);
  constexpr std::array<std::string_view, 10> shown{"type", "seq",  "first_seq",  "cursor", "at",
                                                   "name", "from", "request_id", "user",   "session_id"};
  json::object rest;
  for (auto const& [key, value] : event) {
    if (key == "volatile" || std::find(shown.begin(), shown.end(), key) != shown.end()) continue;
    rest[key] = value;
  }
  return rest.empty() ? "" : json::to_text(rest);
}

// What was called or happened, where the type does not say so by itself, and its data.
std::string describe_data(json::object const& event) {
  auto const name = json::find_string(event, "name");
  auto content = describe_content(event);
  if (name.empty()) return content;
  return content.empty() ? std::string(name) : std::string(name) + " " + content;
}

std::string describe_seq(json::object const& event) {
  auto const seq = find_integer(event, "seq");
  auto text = seq ? std::to_string(*seq) : std::string("-");
  return std::string(text.size() < 6 ? 6 - text.size() : 0, ' ') + text;
}

struct Page {
  json::array events;
  std::string cursor;
  bool has_gap = false;
  bool has_more = false;
};

Result<Page> read_page(Target const& target, EventsCommand const& command, Terminal const& terminal) {
  auto place = session_target(command.id, "/events?limit=" + std::to_string(command.count_max));
  if (!command.since.empty()) place += "&since=" + encode_segment(command.since);
  auto answer = ask(target, terminal, {"GET", place, {}});
  if (!answer) return answer.error();
  auto& body = answer->body;
  auto* const events = body.if_contains("events");
  if (events == nullptr || !events->is_array()) {
    return error(Code::failed, "the server's answer has no events; are server and command of the same version?");
  }
  Page page{std::move(events->get_array()), std::string(json::find_string(body, "cursor")), false, false};
  auto const* const gap = body.if_contains("gap");
  page.has_gap = gap != nullptr && gap->is_bool() && gap->get_bool();
  if (!page.events.empty() && page.events.back().is_object()) {
    auto const seq = find_integer(page.events.back().get_object(), "seq");
    auto const last = find_integer(body, "last_seq");
    page.has_more = seq && last && *seq < *last;
  }
  return page;
}

}  // namespace

std::string Timeline::describe(json::object const& event) {
  auto const at = json::find_string(event, "at");
  std::string text;
  std::string time(visible(at));
  if (parse_iso(at)) {
    time = at.substr(11, 12);
    if (day_ != at.substr(0, 10)) {
      day_ = at.substr(0, 10);
      text = day_ + " (UTC)\n";
    }
  }
  auto line = pad(time, 12) + " " + describe_seq(event) + "  " +
              pad(cut(visible(json::find_string(event, "type")), 40), type_columns) + "  " +
              pad(cut(describe_who(event), 40), who_columns) + "  " + visible_json(describe_data(event));
  line.erase(line.find_last_not_of(' ') + 1);
  return text + (columns_ == 0 ? line : cut(line, columns_)) + "\n";
}

Result<> list_events(Target const& target, EventsCommand const& command, Terminal& terminal) {
  if (command.count_max < 1) return error(Code::usage, "--limit: it takes a whole number from 1 on");
  Timeline timeline(terminal.columns);
  EventsCommand rest = command;
  for (std::int64_t left = command.count_max; left > 0;) {
    rest.count_max = std::min(left, page_events_max);
    auto const page = read_page(target, rest, terminal);
    if (!page) return page.error();
    if (page->has_gap) {
      note(terminal, rest.since.empty() ? "the oldest events are no longer kept"
                                        : "events after " + rest.since + " are no longer kept");
    }
    for (auto const& event : page->events) {
      if (!event.is_object()) continue;
      auto const shown =
          target.json ? print_json(terminal, event) : print(terminal, timeline.describe(event.get_object()));
      if (!shown) return shown;
    }
    left -= static_cast<std::int64_t>(page->events.size());
    if (!page->has_more || page->cursor.empty() || page->cursor == rest.since) return {};
    rest.since = page->cursor;
  }
  note(terminal, "there are more; go on with: --since " + rest.since);
  return {};
}

}  // namespace sojourn
