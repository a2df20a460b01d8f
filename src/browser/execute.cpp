#include "browser/execute.h"

#include <utility>

#include "browser/params.h"
#include "browser/pointer.h"
#include "browser/python_text.h"

namespace sojourn {
namespace {

std::string quote(std::string_view code) { return json::to_text(json::value(code)); }

// Evaluated as a script of its own, so that its declarations do not stay and it may run again.
std::string as_script(std::string const& code) {
  return "(async () => { const given = (0, eval)(" + quote(code) +
         "); return typeof given === 'function' ? given() : given; })()";
}

std::string as_body(std::string const& code) { return "(async () => {\n" + code + "\n})()"; }

json::object to_params(std::string const& expression) {
  auto params = only("expression", expression);
  params["userGesture"] = true;
  params["returnByValue"] = true;
  params["awaitPromise"] = true;
  return params;
}

// The first line: where it was thrown is inside of us.
std::string to_words(json::object const& details) {
  auto const& thrown = find_object(details, "exception");
  auto text = std::string(json::find_string(thrown, "description"));
  if (auto const stack = text.find("\n    at "); stack != std::string::npos) text.resize(stack);
  if (text.empty()) {
    auto const* const value = thrown.if_contains("value");
    if (value != nullptr) text = python_text(*value).value_or("None");
  }
  if (text.empty()) text = std::string(json::find_string(details, "text", "the script failed"));
  return text;
}

bool is_body(std::string const& words) {
  return words.starts_with("SyntaxError: Illegal return") || words.starts_with("SyntaxError: await is only valid") ||
         words.starts_with("SyntaxError: Unexpected reserved word") ||
         words.starts_with("SyntaxError: missing ) after argument list");
}

void cut(std::string& text) {
  if (text.size() <= executed_bytes_max) return;
  auto end = executed_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += "...";
}

Executed read(json::object const& answer) {
  Executed done;
  if (auto const& details = find_object(answer, "exceptionDetails"); !details.empty()) {
    done.error = to_words(details);
    cut(*done.error);
    return done;
  }
  auto const& result = find_object(answer, "result");
  if (auto const odd = json::find_string(result, "unserializableValue"); !odd.empty()) {
    auto text = std::string(odd);
    if (text == "NaN") text = "nan";
    if (text == "Infinity") text = "inf";
    if (text == "-Infinity") text = "-inf";
    if (text == "-0") text = "-0.0";
    if (text.ends_with('n') && text != "nan") text.pop_back();  // a BigInt
    done.result = std::move(text);
    return done;
  }
  if (auto const* const value = result.if_contains("value")) done.result = python_text(*value);
  if (done.result) cut(*done.result);
  return done;
}

}  // namespace

Task<Result<Executed>> execute(Tab& tab, std::string code, std::int64_t timeout_ms) {
  auto const deadline = tab.now_us() + timeout_ms * 1000;
  auto const late = [&] {
    Executed done;
    done.error = too_late(timeout_ms, "").message;
    done.is_late = true;
    return done;
  };
  auto params = to_params(as_script(code));
  auto answer = co_await tab.send(tab.session(), "Runtime.evaluate", params, deadline);
  if (answer) {
    auto done = read(*answer);
    if (!done.error || !is_body(*done.error)) co_return done;
    params = to_params(as_body(code));
    answer = co_await tab.send(tab.session(), "Runtime.evaluate", params, deadline);
    if (answer) co_return read(*answer);
  }
  if (answer.error().code == Code::timeout && tab.state()) co_return late();
  if (auto const state = tab.state(); !state) co_return state.error();
  if (answer.error().code == Code::crashed) co_return answer.error();
  // The page went somewhere else under it, which is what many scripts are for.
  Executed done;
  if (answer.error().message.find("navigated") == std::string::npos &&
      answer.error().message.find("context was destroyed") == std::string::npos &&
      answer.error().message.find("context with given id") == std::string::npos)
    done.error = answer.error().message;
  co_return done;
}

}  // namespace sojourn
