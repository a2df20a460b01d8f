#include "app/function_help.h"

#include "api/functions.h"
#include "app/action.h"
#include "app/function_flags.h"

namespace sojourn {
namespace {

constexpr std::string_view target = " [--json] [--server URL | --data DIR]\n\n";
constexpr std::size_t line_columns = 118;

// url*, width, height, ...
std::string describe_inputs() {
  std::string out;
  for (auto const& function : function_table()) {
    std::string line = "  " + std::string(to_word(function.function));
    line.append(14 - line.size(), ' ');
    std::string_view separator;
    for (auto const& field : function.input) {
      auto const name = std::string(field.name) + (field.is_required ? "*" : "");
      line += separator;
      if (line.size() + name.size() + 2 > line_columns) {
        out += line + "\n";
        line = std::string(14, ' ');
      } else if (!separator.empty()) {
        line += ' ';
      }
      line += name;
      separator = ",";
    }
    out += line + "\n";
  }
  return out;
}

std::string open_help() {
  return "Open a page in a headless browser: in a session of its own, or in one that there is.\n\n"
         "Usage: sojourn open URL [--session ID]" +
         std::string(target) +
         "  --session ID            the session to open it in; otherwise a new one, which stays\n"
         "  --session-timeout N     seconds after which a new session that nobody calls ends, 1 to 3600\n" +
         describe_flags(Function::open) +
         R"(
A server is started in the background when none runs on the data folder. What is printed is the session, the page and
its elements with their refs (@e1), by which interact finds them.

Examples
  sojourn open example.com
  sojourn open https://example.com/page2 --session sess_01jdf7q2n8w5y3k6t9v4xm0czb --no-screenshot
)";
}

std::string snapshot_help() {
  return "Show the page of a browser session as it is now: title, address, elements and their refs.\n\n"
         "Usage: sojourn snapshot ID" +
         std::string(target) + describe_flags(Function::snapshot) + R"(
Examples
  sojourn snapshot sess_01jdf7q2n8w5y3k6t9v4xm0czb
  sojourn snapshot sess_01jdf7q2n8w5y3k6t9v4xm0czb --scope 'form#login' --diff
)";
}

std::string interact_help() {
  return "Act on the page of a browser session, and show what it is like afterwards. Refs are those of a snapshot.\n\n"
         "Usage: sojourn interact ID ACTION..." +
         std::string(target) + "Actions\n" + describe_actions() + "\nOptions\n" + describe_flags(Function::interact) +
         R"(
The exit code is 0 when it was done, 65 for a ref that is not on the page any more, 75 when it took too long.

Examples
  sojourn interact sess_01jdf7q2n8w5y3k6t9v4xm0czb click @e1
  sojourn interact sess_01jdf7q2n8w5y3k6t9v4xm0czb fill @e2 "ada@example.com" --snapshot diff
  echo "$PASSWORD" | sojourn interact sess_01jdf7q2n8w5y3k6t9v4xm0czb fill @e3 -
)";
}

std::string screenshot_help() {
  return "Take a picture of the page of a browser session, and print where it is.\n\n"
         "Usage: sojourn screenshot ID [FILE]" +
         std::string(target) + "  FILE                    where to keep a copy; .jpg makes it a JPEG\n" +
         describe_flags(Function::screenshot) + R"(
Example
  sojourn screenshot sess_01jdf7q2n8w5y3k6t9v4xm0czb page.png --full-page
)";
}

std::string execute_help() {
  return "Run JavaScript in the page of a browser session, and print what it gives.\n\n"
         "Usage: sojourn execute ID CODE" +
         std::string(target) +
         "  CODE                    an expression, or statements with return; - reads standard input\n" +
         describe_flags(Function::execute) + R"(
Examples
  sojourn execute sess_01jdf7q2n8w5y3k6t9v4xm0czb document.title
  sojourn execute sess_01jdf7q2n8w5y3k6t9v4xm0czb - <script.js
)";
}

std::string app_help(std::string_view program) {
  std::string const name(program);
  return "Run a function of a browser session, for programs.\n\nUsage: " + name +
         " app run agent-browser [--function NAME] [--session ID|new] [--input JSON]\n" + R"(
  --function NAME         open (the default), snapshot, interact, screenshot, execute or close
  --session ID            where to run it; new makes a session that stays; without it there is one for this call only
  --input JSON            an object of what the function takes; @FILE reads a file, - standard input; default {}
  --session-timeout N     seconds after which a new session that nobody calls ends, 1 to 3600
  --server URL            the server to ask (also SOJOURN_SERVER); otherwise the one that runs on the data folder, which
                          is started when there is none
  --data DIR              the data folder (also SOJOURN_DATA)

What it gives is printed as one JSON object with session_id in it. A session that is not there is "session not found"
on standard error, and exit code 66.

What functions take (* = required)
)" + describe_inputs() +
         R"(
Examples
  SESSION=$()" +
         name +
         R"( app run agent-browser --function open --session new --input '{"url":"a.test"}' | jq -r .session_id)
  )" + name +
         R"( app run agent-browser --function interact --session $SESSION --input '{"action":"click","ref":"@e1"}'
  )" + name +
         R"( app run agent-browser --function close --session $SESSION
)";
}

}  // namespace

std::string get_function_help(std::string_view command) {
  if (command == "open") return open_help();
  if (command == "snapshot") return snapshot_help();
  if (command == "interact") return interact_help();
  if (command == "screenshot") return screenshot_help();
  if (command == "execute") return execute_help();
  if (command == "app") return app_help("sojourn");
  return {};
}

std::string get_guest_help(std::string_view program) {
  return app_help(program) + "\nThis is sojourn; what else it does is listed by: sojourn --help\n";
}

}  // namespace sojourn
