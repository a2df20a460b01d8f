#include "app/cli.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <set>
#include <string_view>
#include <utility>

#include "app/doctor.h"
#include "app/function_flags.h"
#include "app/function_help.h"
#include "app/functions.h"
#include "app/help.h"
#include "app/keys.h"
#include "app/launch.h"
#include "app/mint.h"
#include "app/nearest.h"
#include "app/pages.h"
#include "app/question.h"
#include "app/server.h"
#include "app/sessions.h"
#include "app/state.h"
#include "app/storage.h"
#include "app/summary.h"
#include "app/table.h"
#include "app/timeline.h"
#include "app/watch.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 21> commands{
    "open",  "snapshot", "interact", "screenshot", "execute", "app",   "serve",  "stop",   "sessions", "show",   "send",
    "state", "events",   "watch",    "tabs",       "close",   "token", "doctor", "backup", "verify",   "restore"};

struct Options {
  Target target;
  Flags flags;
  std::string id;
  std::string message;
  SessionFilter filter;
  StateCommand state;
  EventsCommand events;
  MintCommand mint;
  StorageCommand storage;
  PageCommand page;
  AppCommand app{.app = {}, .function = "run"};
  bool check_config = false;
  bool version = false;
};

// An empty value is mostly a variable that a script did not set; it must not become the default unnoticed.
std::string refuse_empty(std::string const& text) { return text.empty() ? "the value is empty" : ""; }

void add_text(CLI::App& app, std::string const& name, std::string& text) {
  app.add_option(name, text)->take_last()->check(refuse_empty);
}

void add_list(CLI::App& app, std::string const& name, std::vector<std::string>& texts) {
  app.add_option(name, texts)->allow_extra_args(false)->check(refuse_empty);
}

// A flag --KEY of a setting that has no other.
void add_setting(CLI::App& app, std::string const& key, std::vector<std::pair<std::string, std::string>>& settings) {
  auto const take = [&settings, key](std::string const& text) { settings.emplace_back(key, text); };
  app.add_option_function<std::string>("--" + key, take)->take_last()->check(refuse_empty);
}

// Tools have names that nobody knows before: those flags are made of the arguments themselves.
void add_tools(CLI::App& app, Options& options, std::vector<std::string> const& arguments) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  std::set<std::string> keys;
  for (auto const& argument : arguments) {
    auto const name = argument.substr(0, argument.find('='));
    if (!name.starts_with("--tools.") || name.find_first_not_of(plain) != std::string::npos) continue;
    if (keys.insert(name).second) add_setting(app, name.substr(2), options.flags.settings);
  }
}

void add_serve(CLI::App& app, Options& options, std::vector<std::string> const& arguments) {
  auto& serve = *app.add_subcommand("serve");
  add_list(serve, "--listen", options.flags.listen);
  serve.add_flag("--documented-ports", options.flags.documented_ports);
  add_list(serve, "--allow-origin", options.flags.allow_origins);
  add_text(serve, "--store", options.flags.store);
  add_text(serve, "--config", options.flags.config);
  add_text(serve, "--key-file", options.flags.key_file);
  add_text(serve, "--log-level", options.flags.log_level);
  serve.add_flag("--check-config", options.check_config);
  for (auto const& limit : limit_table) {
    std::string const name(limit.name);
    auto const take = [&options, name](std::string const& text) { options.flags.limits.emplace_back(name, text); };
    serve.add_option_function<std::string>("--limits." + name, take)->take_last();
  }
  // Those that have a flag of their own name; the others stand above, or must not be seen by everybody.
  constexpr std::array<std::string_view, 6> starts{"compression", "sessions.", "responder.",
                                                   "browser.",    "video.",    "monitor."};
  for (auto const& key : list_keys()) {
    auto const begins = [&key](std::string_view start) { return key.starts_with(start); };
    if (std::any_of(starts.begin(), starts.end(), begins)) add_setting(serve, key, options.flags.settings);
  }
  add_tools(serve, options, arguments);
}

CLI::App& add_with_id(CLI::App& app, std::string const& name, Options& options) {
  auto& command = *app.add_subcommand(name);
  command.add_option("ID", options.id)->required();
  return command;
}

// A command line has no text of no characters that means nothing: what is given counts.
void add_given(CLI::App& app, std::string const& name, std::optional<std::string>& text) {
  app.add_option_function<std::string>(name, [&text](std::string const& given) { text = given; })->take_last();
}

std::string refuse_fraction(std::string const& text) {
  bool const is_whole = !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
  return is_whole ? "" : "\"" + text + "\" is no whole number";
}

void add_state(CLI::App& app, Options& options) {
  auto& state = add_with_id(app, "state", options);
  add_given(state, "KEY", options.state.key);
  add_given(state, "VALUE", options.state.value);
  add_given(state, "--patch", options.state.patch);
  state.add_flag("--delete", options.state.is_deleting);
  auto const take = [&options](std::int64_t const& revision) { options.state.if_revision = revision; };
  state.add_option_function<std::int64_t>("--if-revision", take)->take_last()->check(refuse_fraction);
}

void add_events(CLI::App& app, Options& options) {
  auto& events = add_with_id(app, "events", options);
  add_text(events, "--since", options.events.since);
  events.add_option("--limit", options.events.count_max)->take_last()->check(refuse_fraction);
  add_text(add_with_id(app, "watch", options), "--since", options.events.since);
}

void add_token(CLI::App& app, Options& options) {
  auto& token = *app.add_subcommand("token");
  add_text(token, "--user", options.mint.user);
  add_text(token, "--session", options.mint.session);
  add_text(token, "--scope", options.mint.scope);
  add_text(token, "--expires", options.mint.expires);
  token.add_flag("--single-use", options.mint.is_single_use);
  token.add_flag("--hash-password", options.mint.is_hashing);
  add_text(token, "--config", options.mint.config);
}

void add_pages(CLI::App& app, Options& options) {
  auto& page = options.page;
  auto& open = *app.add_subcommand("open");
  open.add_option("URL", page.url)->required();
  add_text(open, "--session", page.session);
  add_text(open, "--session-timeout", page.timeout_s);
  add_flags(open, Function::open, page.input);
  add_flags(add_with_id(app, "snapshot", options), Function::snapshot, page.input);
  auto& interact = add_with_id(app, "interact", options);
  interact.add_option("ACTION", page.words)->required();
  add_flags(interact, Function::interact, page.input);
  auto& screenshot = add_with_id(app, "screenshot", options);
  screenshot.add_option("FILE", page.file)->check(refuse_empty);
  add_flags(screenshot, Function::screenshot, page.input);
  auto& execute = add_with_id(app, "execute", options);
  execute.add_option("CODE", page.code)->required();
  add_flags(execute, Function::execute, page.input);
}

// `app run agent-browser`.
void add_app(CLI::App& app, Options& options) {
  auto& command = *app.add_subcommand("app");
  command.require_subcommand(1);
  auto& run = *command.add_subcommand("run");
  run.add_option("NAME", options.app.app)->required();
  add_text(run, "--function", options.app.function);
  add_text(run, "--session", options.app.session);
  add_text(run, "--session-timeout", options.app.timeout_s);
  add_text(run, "--input", options.app.input);
}

void add_options(CLI::App& app, Options& options, std::vector<std::string> const& arguments) {
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_help_flag("-h,--help");
  app.add_flag("-V,--version", options.version);
  app.add_flag("--json", options.target.json);
  add_text(app, "--server", options.target.server);
  add_text(app, "--data", options.target.data);
  add_serve(app, options, arguments);
  auto& sessions = *app.add_subcommand("sessions");
  add_text(sessions, "--kind", options.filter.kind);
  add_text(sessions, "--owner", options.filter.owner);
  app.add_subcommand("doctor");
  app.add_subcommand("stop");
  for (char const* const name : {"backup", "restore"})
    app.add_subcommand(name)->add_option("FILE", options.storage.file)->required()->check(refuse_empty);
  app.add_subcommand("verify")->add_option("FILE", options.storage.file)->check(refuse_empty);
  add_pages(app, options);
  add_app(app, options);
  for (char const* const name : {"show", "tabs", "close"}) add_with_id(app, name, options);
  add_with_id(app, "send", options).add_option("JSON", options.message)->required();
  add_state(app, options);
  add_events(app, options);
  add_token(app, options);
}

std::string get_command(CLI::App const& app) {
  auto const chosen = app.get_subcommands();
  return chosen.empty() ? std::string() : chosen.front()->get_name();
}

int fail(Terminal& terminal, Error const& failure) {
  terminal.err << terminal.program << ": " << visible(failure.message) << '\n' << std::flush;
  return row(failure.code).exit_code;
}

Error unexpected(CLI::App const& app, std::string const& word) {
  auto const command = get_command(app);
  if (!word.starts_with('-')) {
    if (command.empty()) {
      return error(Code::usage, "unknown command \"" + word + "\"; " + suggest(word, commands));
    }
    return error(Code::usage,
                 command + " takes no further argument \"" + word + "\"; see: sojourn " + command + " --help");
  }
  std::vector<std::string> names;
  auto const collect = [&](CLI::App const& from) {
    for (auto const* const option : from.get_options()) {
      if (!option->get_lnames().empty()) names.push_back("--" + option->get_lnames().front());
    }
  };
  for (auto const* from = &app; from != nullptr;) {
    collect(*from);
    auto const chosen = from->get_subcommands();
    from = chosen.empty() ? nullptr : chosen.front();
  }
  std::vector<std::string_view> const views(names.begin(), names.end());
  std::string const given = word.substr(0, word.find('='));
  auto const near = nearest(given, views);
  std::string const hint = near.empty() ? "see: sojourn " + command + (command.empty() ? "" : " ") + "--help"
                                        : "did you mean \"" + std::string(near) + "\"?";
  return error(Code::usage, "unknown option \"" + given + "\"; " + hint);
}

Error to_error(CLI::App const& app, CLI::ParseError const& thrown) {
  auto const command = get_command(app);
  if (thrown.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
    std::string_view const text = thrown.what();
    return error(Code::usage, std::string(text.substr(0, text.find(':'))) + " needs a value; see: sojourn " + command +
                                  (command.empty() ? "" : " ") + "--help");
  }
  if (auto const rest = app.remaining(true); !rest.empty()) return unexpected(app, rest.front());
  return error(Code::usage, (command.empty() ? "" : command + ": ") + std::string(thrown.what()) + "; see: sojourn " +
                                command + (command.empty() ? "" : " ") + "--help");
}

Result<int> to_exit_code(Result<> const& done) {
  if (!done) return done.error();
  return 0;
}

// Under another name people know this program for one thing.
std::string get_help_of(std::string const& command, Terminal const& terminal) {
  bool const is_guest = terminal.program != "sojourn" && (command.empty() || command == "app");
  return is_guest ? get_guest_help(terminal.program) : get_help(command);
}

Result<int> run_serve(Options const& options, Terminal& terminal) {
  Flags flags = options.flags;
  flags.data = options.target.data;
  auto const config = load_config(flags, terminal.environment);
  if (!config) return config.error();
  if (options.check_config && options.target.json) return to_exit_code(print_json(terminal, to_json(*config)));
  if (options.check_config) return to_exit_code(print(terminal, describe_config(*config)));
  return terminal.serve(*config);
}

Result<> run_on_session(std::string const& command, Options const& options, Terminal& terminal) {
  auto const& target = options.target;
  if (options.id.empty()) {
    return error(Code::usage, command + ": ID is empty; list the sessions with: sojourn sessions");
  }
  if (command == "show") return show_session(target, options.id, terminal);
  if (command == "tabs") return list_tabs(target, options.id, terminal);
  if (command == "close" && options.id.starts_with("sess_")) return close_page(target, options.id, terminal);
  if (command == "close") return close_session(target, options.id, terminal);
  if (command == "send") return send_message(target, options.id, options.message, terminal);
  if (command == "watch") return watch_session(target, {options.id, options.events.since}, terminal);
  if (command == "events") {
    return list_events(target, {options.id, options.events.since, options.events.count_max}, terminal);
  }
  StateCommand state = options.state;
  state.id = options.id;
  return run_state(target, state, terminal);
}

Result<> run_on_page(std::string const& command, Options const& options, Terminal& terminal) {
  PageCommand page = options.page;
  if (command == "open") return open_page(options.target, std::move(page), terminal);
  if (options.id.empty()) {
    return error(Code::usage, command + ": ID is empty; list the sessions with: sojourn sessions");
  }
  page.session = options.id;
  if (command == "snapshot") return show_page(options.target, std::move(page), terminal);
  if (command == "interact") return act_on_page(options.target, std::move(page), terminal);
  if (command == "screenshot") return capture_page(options.target, std::move(page), terminal);
  return run_in_page(options.target, std::move(page), terminal);
}

Result<int> run_command(std::string const& command, Options const& options, Terminal& terminal) {
  auto const& target = options.target;
  if (options.version) return to_exit_code(print(terminal, "sojourn " + std::string(version) + "\n"));
  if (command.empty()) return to_exit_code(print(terminal, get_help_of(command, terminal)));
  if (command == "serve") return run_serve(options, terminal);
  if (command == "doctor") return show_findings({target, terminal.environment}, terminal);
  if (command == "sessions") return to_exit_code(list_sessions(target, options.filter, terminal));
  if (command == "stop") return to_exit_code(stop_server(target, terminal));
  if (command == "backup") return to_exit_code(run_backup(target, options.storage, terminal));
  if (command == "verify") return to_exit_code(run_verify(target, options.storage, terminal));
  if (command == "restore") return to_exit_code(run_restore(target, options.storage, terminal));
  if (command == "app") return to_exit_code(run_app(target, options.app, terminal));
  constexpr std::array<std::string_view, 5> on_pages{"open", "snapshot", "interact", "screenshot", "execute"};
  if (std::find(on_pages.begin(), on_pages.end(), command) != on_pages.end()) {
    return to_exit_code(run_on_page(command, options, terminal));
  }
  if (command == "token") return to_exit_code(run_mint(target, options.mint, terminal));
  return to_exit_code(run_on_session(command, options, terminal));
}

// What it was called as; any name that is not one of those is ours.
std::string to_program(std::string_view path) {
  auto const name = path.substr(path.rfind('/') + 1);
  return name == "infsh" || name == "belt" ? std::string(name) : "sojourn";
}

int finish(Terminal& terminal, Result<int> const& result) { return result ? *result : fail(terminal, result.error()); }

}  // namespace

int run(std::vector<std::string> const& arguments, Terminal& terminal) {
  CLI::App app;
  Options options;
  add_options(app, options, arguments);
  // CLI11 takes what is left to read from the end of the vector. "help" is what many people try first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  if (!reversed.empty() && reversed.back() == "help") {
    reversed.pop_back();
    reversed.insert(reversed.begin(), "--help");
  }
  try {
    app.parse(std::move(reversed));
  } catch (CLI::CallForHelp const&) {
    return finish(terminal, to_exit_code(print(terminal, get_help_of(get_command(app), terminal))));
  } catch (CLI::ParseError const& thrown) {
    return fail(terminal, to_error(app, thrown));
  }
  return finish(terminal, run_command(get_command(app), options, terminal));
}

int run(int argc, char const* const* argv) {
  std::vector<std::string> const arguments(argv + std::min(argc, 1), argv + argc);
  Terminal terminal{std::cin, std::cout, std::cerr, read_environment(), Clock(), &serve};
  terminal.columns = measure_columns(STDOUT_FILENO);
  terminal.open_stop = &open_stop;
  terminal.executable = "/proc/self/exe";
  if (argc > 0) terminal.program = to_program(argv[0]);
  if (::isatty(STDIN_FILENO) != 0) terminal.keyboard = STDIN_FILENO;
  return run(arguments, terminal);
}

}  // namespace sojourn
