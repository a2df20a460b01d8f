#include "api/functions.h"

#include <algorithm>
#include <array>

namespace sojourn {
namespace {

constexpr FieldGroup ours = FieldGroup::ours;
constexpr std::int64_t text_bytes_max = 1'000'000;  // what a request has room for
constexpr std::int64_t line_bytes_max = 2048;
constexpr std::int64_t timeout_ms_max = 300'000;

constexpr std::array<std::string_view, 15> actions{"click",  "dblclick", "fill",  "type",    "press",
                                                   "select", "hover",    "check", "uncheck", "drag",
                                                   "upload", "scroll",   "back",  "wait",    "goto"};
constexpr std::array<std::string_view, 4> directions{"up", "down", "left", "right"};
constexpr std::array<std::string_view, 3> snapshots{"full", "diff", "none"};
constexpr std::array<std::string_view, 2> isolations{"context", "process"};
constexpr std::array<std::string_view, 2> browsers{"shell", "full"};
constexpr std::array<std::string_view, 2> formats{"png", "jpeg"};

constexpr FunctionField flag(std::string_view name, std::string_view otherwise, std::string_view summary) {
  return {.name = name, .type = FieldType::boolean, .default_json = otherwise, .summary = summary};
}
constexpr FunctionField text(std::string_view name, std::string_view summary) {
  return {.name = name, .type = FieldType::text, .summary = summary, .most = text_bytes_max};
}
constexpr FunctionField line(std::string_view name, std::string_view summary) {
  return {.name = name, .type = FieldType::line, .summary = summary, .most = line_bytes_max};
}
constexpr FunctionField integer(std::string_view name, std::string_view otherwise, std::int64_t least,
                                std::int64_t most) {
  return {.name = name, .type = FieldType::integer, .default_json = otherwise, .least = least, .most = most};
}
constexpr FunctionField choice(std::string_view name, std::string_view otherwise,
                               std::span<std::string_view const> choices) {
  return {.name = name, .type = FieldType::choice, .default_json = otherwise, .choices = choices};
}

constexpr FunctionField saying(FunctionField field, std::string_view summary) {
  field.summary = summary;
  return field;
}
constexpr FunctionField required(FunctionField field) {
  field.is_required = true;
  return field;
}
constexpr FunctionField logged(FunctionField field) {
  field.is_logged = true;
  return field;
}
constexpr FunctionField of_session(FunctionField field) {
  field.is_of_session = true;
  return field;
}
constexpr FunctionField own(FunctionField field) {
  field.group = ours;
  return field;
}

constexpr FunctionField shot(std::string_view otherwise) {
  return own(flag("screenshot", otherwise, "Whether a screenshot is taken"));
}
constexpr FunctionField snapshot_choice =
    own(saying(choice("snapshot", "\"full\"", snapshots),
               "The page's elements: all, those that changed since the last snapshot, or none"));
constexpr FunctionField timeout(std::string_view otherwise, std::string_view summary) {
  return own(saying(integer("timeout_ms", otherwise, 1, timeout_ms_max), summary));
}

constexpr std::array open_input{
    logged(required(text("url", "Where to go; without a scheme https:// is put in front"))),
    logged(of_session(saying(integer("width", "1280", 16, 8192), "Width of the viewport in CSS pixels"))),
    logged(of_session(saying(integer("height", "720", 16, 8192), "Height of the viewport in CSS pixels"))),
    of_session(line("user_agent", "Instead of the browser's own")),
    logged(of_session(flag("record_video", "false", "Record a video from the first page until the close"))),
    logged(of_session(flag("show_cursor", "false", "Show the mouse pointer in screenshots and video"))),
    of_session(
        line("proxy_url", "All of the session's traffic goes through it: http://, https://, socks5://HOST:PORT")),
    of_session(line("proxy_username", "For the proxy")),
    of_session(line("proxy_password", "For the proxy")),
    own(logged(
        of_session(FunctionField{"locale", FieldType::language, "null", "Language of the pages, such as de-DE"}))),
    own(logged(of_session(
        FunctionField{"time_zone", FieldType::time_zone, "null", "Time zone of the pages, such as Europe/Berlin"}))),
    own(logged(of_session(saying(choice("isolation", "\"context\"", isolations),
                                 "Whether it shares a browser process with other sessions or has its own")))),
    own(logged(
        of_session(saying(choice("browser", "\"shell\"", browsers), "The headless shell, or the whole browser")))),
    shot("true"),
    snapshot_choice,
    timeout("30000", "How long the page may take to load"),
};

constexpr std::array snapshot_input{
    own(flag("interactive_only", "true", "Only what can be acted on; else headings, text, images and landmarks too")),
    own(logged(line("scope", "Only inside this element: a ref or a CSS selector"))),
    own(saying(integer("max_elements", "0", 0, 1'000'000), "At most so many elements; 0 = all")),
    own(saying(integer("max_chars", "0", 0, 100'000'000), "At most so many characters of elements_text; 0 = all")),
    own(flag("diff", "false", "Only what changed since the last snapshot")),
    shot("false"),
};

constexpr std::array interact_input{
    logged(required(saying(choice("action", "null", actions), "What to do"))),
    logged(line("ref", "The element: @e1")),
    text("text", "What to fill in or type, the key to press, the label of the option to select"),
    logged(saying(choice("direction", "null", directions), "Where to scroll")),
    logged(saying(integer("scroll_amount", "400", -1'000'000, 1'000'000), "How far to scroll, in pixels")),
    logged(saying(integer("wait_ms", "1000", 0, timeout_ms_max), "How long to wait")),
    logged(text("url", "Where to go")),
    logged(line("target_ref", "The element to drag to: @e2")),
    FunctionField{.name = "file_paths",
                  .type = FieldType::files,
                  .summary = "What to upload: paths under the session's folder, {\"uri\":\"data:...\"}, or "
                             "{\"filename\",\"content\"} with the content in base64",
                  .most = 100},
    shot("true"),
    snapshot_choice,
    timeout("null", "How long it may take; otherwise 5000, or 30000 where pages are loaded"),
};

constexpr std::array screenshot_input{
    logged(flag("full_page", "false", "The whole page instead of the viewport")),
    own(logged(saying(choice("format", "\"png\"", formats), "The image's format"))),
};

constexpr std::array execute_input{
    required(text("code", "JavaScript: an expression, or statements; promises are waited for")),
    shot("true"),
    timeout("30000", "How long it may run"),
};

constexpr OutputField meta{"output_meta", "null"};
constexpr OutputField dialogs{"dialogs", "Dialog[]", "Dialogs that the page opened meanwhile, and what became of them",
                              ours};
constexpr OutputField session_id{"session_id", "string", "Of the session, for the next call", ours};
constexpr OutputField recovered{"recovered", "boolean", "The session was made again after a crash; said once", ours,
                                false};
constexpr OutputField lost{"lost", "string[]", "With it: what is not as it was", ours, false};

constexpr std::array file_fields{
    OutputField{"uri", "string?", "Where it can be fetched"},
    OutputField{"path", "string?", "Where it lies on the server's machine"},
    OutputField{"content_type", "string?"},
    OutputField{"size", "integer?", "In bytes"},
    OutputField{"filename", "string?"},
};
constexpr std::array box_fields{OutputField{"x", "number"}, OutputField{"y", "number"}, OutputField{"width", "number"},
                                OutputField{"height", "number"}};
constexpr std::array element_fields{
    OutputField{"ref", "string", "By which interact finds it: @e1; it never means another element"},
    OutputField{"desc", "string", "Its line of elements_text"},
    OutputField{"tag", "string"},
    OutputField{"text", "string"},
    OutputField{"role", "string?"},
    OutputField{"name", "string?"},
    OutputField{"href", "string?"},
    OutputField{"input_type", "string?"},
    OutputField{"frame", "string?", "The address of the frame that it is in", ours, false},
    OutputField{"value", "string?", "What is filled in", ours, false},
    OutputField{"checked", "boolean?", {}, ours, false},
    OutputField{"disabled", "boolean?", {}, ours, false},
    OutputField{"box", "Box?", "Where it is, in the viewport", ours, false},
};
constexpr std::array diff_fields{
    OutputField{"added", "ElementInfo[]"},
    OutputField{"removed", "string[]", "Refs of those that are gone"},
    OutputField{"changed", "ElementInfo[]"},
};
constexpr std::array page_fields{
    OutputField{"url", "string"},
    OutputField{"title", "string"},
    OutputField{"elements", "ElementInfo[]"},
    OutputField{"screenshot", "File?"},
    OutputField{"elements_text", "string", "The elements, one a line, to be read"},
    meta,
    OutputField{"truncated", "boolean", "There were more than asked for", ours},
    OutputField{"diff", "SnapshotDiff?", "What changed since the last snapshot, where that was asked for", ours},
};
constexpr std::array acted_fields{
    OutputField{"ref", "string?"},
    OutputField{"tag", "string"},
    OutputField{"role", "string?"},
    OutputField{"name", "string?"},
    OutputField{"box", "Box?"},
    OutputField{"was", "string?", "Its name when it was seen last, where the page has given it another one"},
};
constexpr std::array dialog_fields{
    OutputField{"type", "string", "alert, confirm, prompt or beforeunload"},
    OutputField{"message", "string"},
    OutputField{"action", "string", "accepted or dismissed"},
};
constexpr std::array types{
    OutputType{"File", file_fields},           OutputType{"Box", box_fields},
    OutputType{"ElementInfo", element_fields}, OutputType{"SnapshotDiff", diff_fields},
    OutputType{"PageSnapshot", page_fields},   OutputType{"ActedElement", acted_fields},
    OutputType{"Dialog", dialog_fields},
};

constexpr std::array open_output{page_fields[0], page_fields[1], page_fields[2], page_fields[3],
                                 page_fields[4], page_fields[5], page_fields[6], page_fields[7],
                                 dialogs,        recovered,      lost,           session_id};
constexpr std::array snapshot_output{page_fields[0], page_fields[1], page_fields[2], page_fields[3],
                                     page_fields[4], page_fields[5], page_fields[6], page_fields[7],
                                     recovered,      lost,           session_id};
constexpr std::array interact_output{
    OutputField{"success", "boolean"},
    OutputField{"action", "string"},
    OutputField{"message", "string?", "What went wrong"},
    OutputField{"screenshot", "File?"},
    OutputField{"snapshot", "PageSnapshot?", "The page afterwards"},
    meta,
    OutputField{"code", "string?", "What went wrong, as a word for programs", ours},
    OutputField{"element", "ActedElement?", "What was acted on", ours},
    dialogs,
    recovered,
    lost,
    session_id,
};
constexpr std::array screenshot_output{
    OutputField{"screenshot", "File"},
    OutputField{"width", "integer", "Of the viewport"},
    OutputField{"height", "integer", "Of the viewport"},
    meta,
    recovered,
    lost,
    session_id,
};
constexpr std::array execute_output{
    OutputField{"result", "string?", "The value as Python's str() writes it"},
    OutputField{"error", "string?"},
    OutputField{"screenshot", "File?"},
    meta,
    dialogs,
    recovered,
    lost,
    session_id,
};
constexpr std::array close_output{
    OutputField{"success", "boolean"},
    OutputField{"video", "File?", "The recording, where there is one"},
    meta,
    session_id,
};

constexpr std::array table{
    FunctionRow{Function::open, "Go to a page, in a session of its own if that is new", open_input, open_output},
    FunctionRow{Function::snapshot, "The page as it is now: its elements and their refs", snapshot_input,
                snapshot_output},
    FunctionRow{Function::interact, "Act on the page: click, fill, type, scroll, go somewhere", interact_input,
                interact_output},
    FunctionRow{Function::screenshot, "An image of the page", screenshot_input, screenshot_output},
    FunctionRow{Function::execute, "Run JavaScript in the page", execute_input, execute_output},
    FunctionRow{Function::close, "End the session; gives its video", {}, close_output},
};
static_assert(table.size() == functions);

}  // namespace

std::span<FunctionRow const> function_table() { return table; }

FunctionRow const& row(Function function) { return table[static_cast<std::size_t>(function)]; }

std::span<OutputType const> output_types() { return types; }

std::optional<Function> to_function(std::string_view name) {
  if (name == "run") return Function::open;
  auto const* const found =
      std::ranges::find(table, name, [](FunctionRow const& each) { return to_word(each.function); });
  if (found == table.end()) return std::nullopt;
  return found->function;
}

std::string function_names() {
  std::string out;
  for (auto const& each : table) out.append(out.empty() ? "" : ", ").append(to_word(each.function));
  return out;
}

}  // namespace sojourn
