#include "app/cli.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <string_view>

#include "app/commands.h"
#include "app/doctor.h"
#include "app/help.h"
#include "app/nearest.h"
#include "app/server.h"
#include "app/table.h"
#include "base/json.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 7> commands{"serve", "sessions", "show", "send", "tabs", "close", "doctor"};
constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};

struct Options {
  Target target;
  Flags flags;
  std::string id;
  std::string message;
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

void add_serve(CLI::App& app, Options& options) {
  auto& serve = *app.add_subcommand("serve");
  add_list(serve, "--listen", options.flags.listen);
  serve.add_flag("--documented-ports", options.flags.documented_ports);
  add_list(serve, "--allow-origin", options.flags.allow_origins);
  add_text(serve, "--config", options.flags.config);
  add_text(serve, "--log-level", options.flags.log_level);
  serve.add_flag("--check-config", options.check_config);
  for (auto const& limit : limit_table) {
    std::string const name(limit.name);
    auto const take = [&options, name](std::string const& text) { options.flags.limits.emplace_back(name, text); };
    serve.add_option_function<std::string>("--limits." + name, take)->take_last();
  }
}

void add_options(CLI::App& app, Options& options) {
  app.fallthrough();
  app.require_subcommand(0, 1);
  app.set_help_flag("-h,--help");
  app.add_flag("-V,--version", options.version);
  app.add_flag("--json", options.target.json);
  add_text(app, "--server", options.target.server);
  add_text(app, "--data", options.target.data);
  add_serve(app, options);
  app.add_subcommand("sessions");
  app.add_subcommand("doctor");
  for (char const* const name : {"show", "tabs", "close"}) {
    app.add_subcommand(name)->add_option("ID", options.id)->required();
  }
  auto& send = *app.add_subcommand("send");
  send.add_option("ID", options.id)->required();
  send.add_option("JSON", options.message)->required();
}

std::string get_command(CLI::App const& app) {
  auto const chosen = app.get_subcommands();
  return chosen.empty() ? std::string() : chosen.front()->get_name();
}

int fail(Terminal& terminal, Error const& failure) {
  terminal.err << "sojourn: " << visible(failure.message) << '\n' << std::flush;
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
  collect(app);
  if (!command.empty()) collect(*app.get_subcommand(command));
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

Result<int> print(Terminal& terminal, std::string_view text) {
  terminal.out << text;
  if (!terminal.out.flush()) return error(Code::storage_full, "standard output can't be written; is its disk full?");
  return 0;
}

Result<int> show_config(Config const& config, Options const& options, Terminal& terminal) {
  auto const level = levels[static_cast<std::size_t>(config.log_level)];
  json::object limits;
  for (auto const& limit : limit_table) limits[limit.name] = config.limits.*limit.member;
  json::array listen;
  std::string text = "The configuration is valid.\n";
  for (auto const& address : config.listen) {
    listen.push_back(json::value(to_text(address) + "=" + address.dialect));
    text += "listen        " + to_text(address) + " (" + address.dialect + ")\n";
  }
  text += "data          " + visible(config.data) + "\n";
  json::array origins;
  for (auto const& origin : config.allow_origins) {
    origins.push_back(json::value(origin));
    text += "allow origin  " + origin + "\n";
  }
  text += "log level     " + std::string(level) + "\n";
  if (!options.target.json) return print(terminal, text);
  json::object const all{{"listen", std::move(listen)},         {"data", config.data},
                         {"allow_origins", std::move(origins)}, {"documented_ports", config.documented_ports},
                         {"limits", std::move(limits)},         {"log", json::object{{"level", level}}}};
  return print(terminal, visible_json(json::to_text(all)) + "\n");
}

Result<int> run_serve(Options const& options, Terminal& terminal) {
  Flags flags = options.flags;
  flags.data = options.target.data;
  auto const config = load_config(flags, terminal.environment);
  if (!config) return config.error();
  if (options.check_config) return show_config(*config, options, terminal);
  return terminal.serve(*config);
}

Result<int> to_exit_code(Result<> const& done) {
  if (!done) return done.error();
  return 0;
}

Result<int> run_command(std::string const& command, Options const& options, Terminal& terminal) {
  auto const& [target, flags, id, message, check_config, version_asked] = options;
  if (version_asked) return print(terminal, "sojourn " + std::string(version) + "\n");
  if (command.empty()) return print(terminal, get_help(""));
  if (command == "serve") return run_serve(options, terminal);
  if (command == "doctor") return show_findings({target, terminal.environment}, terminal);
  if (command == "sessions") return to_exit_code(list_sessions(target, terminal));
  if (id.empty())
    return error(Code::usage, command + ": ID is empty; list those that are connected with: sojourn sessions");
  if (command == "show") return to_exit_code(show_session(target, id, terminal));
  if (command == "tabs") return to_exit_code(list_tabs(target, id, terminal));
  if (command == "close") return to_exit_code(close_session(target, id, terminal));
  return to_exit_code(send_message(target, id, message, terminal));
}

int finish(Terminal& terminal, Result<int> const& result) { return result ? *result : fail(terminal, result.error()); }

}  // namespace

int run(std::vector<std::string> const& arguments, Terminal& terminal) {
  CLI::App app;
  Options options;
  add_options(app, options);
  // CLI11 takes what is left to read from the end of the vector. "help" is what many people try first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  if (!reversed.empty() && reversed.back() == "help") {
    reversed.pop_back();
    reversed.insert(reversed.begin(), "--help");
  }
  try {
    app.parse(std::move(reversed));
  } catch (CLI::CallForHelp const&) {
    return finish(terminal, print(terminal, get_help(get_command(app))));
  } catch (CLI::ParseError const& thrown) {
    return fail(terminal, to_error(app, thrown));
  }
  return finish(terminal, run_command(get_command(app), options, terminal));
}

int run(int argc, char const* const* argv) {
  std::vector<std::string> const arguments(argv + std::min(argc, 1), argv + argc);
  Terminal terminal{std::cin, std::cout, std::cerr, read_environment(), Clock(), &serve};
  return run(arguments, terminal);
}

}  // namespace sojourn
