#include "app/doctor.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "app/probe.h"
#include "app/table.h"
#include "base/json.h"
#include "base/process.h"
#include "browser/account.h"
#include "browser/executable.h"
#include "browser/memory.h"
#include "net/client.h"

namespace sojourn {
namespace {

constexpr std::int64_t version_ms_max = 5000;
constexpr std::int64_t answer_ms_max = 2000;
constexpr std::uint64_t free_bytes_min = std::uint64_t{64} * 1024 * 1024;
constexpr std::size_t sessions_min = 4;
constexpr std::array<std::string_view, 3> verdicts{"ok", "warn", "fail"};

Finding ok(std::string name, std::string message) { return {std::move(name), Verdict::ok, std::move(message), {}}; }

Finding warn(std::string name, std::string message, std::string remedy) {
  return {std::move(name), Verdict::warn, std::move(message), std::move(remedy)};
}

Finding fail(std::string name, std::string message, std::string remedy) {
  return {std::move(name), Verdict::fail, std::move(message), std::move(remedy)};
}

std::string find_path(Environment const& environment) {
  auto const path = environment.find("PATH");
  return path == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : path->second;
}

std::string describe_program(std::string const& program) {
  return ask_version(program, version_ms_max).value_or("of unknown version") + " (" + program + ")";
}

Finding examine_chromium(Environment const& environment) {
  constexpr std::string_view variable = "SOJOURN_BROWSER__EXECUTABLE";
  auto const named = find_variable(environment, variable);
  auto const found = find_executables(named, find_path(environment));
  if (!named.empty() && ::access(found.full.c_str(), X_OK) != 0)
    return warn("chromium", std::string(variable) + " names " + named + ", which is no program here",
                "name the program of a Chromium, or unset it to have one found in PATH");
  if (!named.empty()) return ok("chromium", "named by " + std::string(variable) + ": " + describe_program(found.full));
  if (found.shell.empty() && found.full.empty())
    return warn("chromium", "no Chromium or Chrome was found in PATH",
                "install one for browser sessions: apt install chromium-headless-shell, or chromium, which also runs "
                "the extension");
  std::string message;
  if (!found.shell.empty()) message = "headless shell: " + describe_program(found.shell);
  if (!found.full.empty())
    message += (message.empty() ? "" : ", ") + ("whole browser: " + describe_program(found.full));
  if (found.shell.empty()) message += "; the headless shell would take half the memory (chromium-headless-shell)";
  return ok("chromium", message);
}

Finding examine_sandbox() {
  auto const reason = why_no_user_namespace();
  if (reason.empty()) return ok("sandbox", "user namespaces are available to Chromium's sandbox");
  return warn("sandbox", "Chromium's sandbox has no user namespaces: " + reason,
              "allow them (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns, or the "
              "container's seccomp profile)");
}

// Nothing is made here: only whether it is there, or could be.
Finding examine_user() {
  if (::geteuid() != 0) return ok("user", "running as an ordinary user (" + std::to_string(::geteuid()) + ")");
  std::string const account(browser_account);
  if (find_account(account)) return ok("user", "running as root; browsers run as " + account);
  if (find_program("/usr/sbin:/usr/bin:/sbin:/bin", "useradd") && ::access("/etc/passwd", W_OK) == 0)
    return ok("user", "running as root; the first browser makes the account " + account + " and runs as it");
  return warn("user",
              "running as root: Chromium keeps its sandbox only for ordinary users, and the account " + account +
                  " can't be made here",
              "run sojourn as an ordinary user, or make it: useradd --system --user-group " + account);
}

Finding examine_ffmpeg(Environment const& environment) {
  if (auto const program = find_program(find_path(environment), "ffmpeg"))
    return ok("ffmpeg", "sessions can be recorded (" + *program + ")");
  return warn("ffmpeg", "no ffmpeg was found in PATH: browser sessions can't be recorded", "apt install ffmpeg");
}

Finding examine_memory() {
  auto const kib = available_kib();
  auto const room = contexts_that_fit(kib);
  auto const message =
      std::to_string(kib / 1024) + " MiB are available: room for about " + std::to_string(room) + " browser sessions";
  if (room >= sessions_min) return ok("memory", message);
  return warn("memory", message, "give this machine or container more memory, or end what uses it");
}

Finding examine_data(std::string const& folder) {
  if (auto const reason = why_not_writable(folder); !reason.empty()) {
    return fail("data", "the data folder " + folder + " can't be written: " + reason,
                "correct its permissions or name another with --data DIR");
  }
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return ok("data", folder + " does not exist yet and can be created");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return warn("data", folder + " can be written by other users", "chmod go-w " + folder);
  }
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) == 0 && std::uint64_t{space.f_bavail} * space.f_frsize < free_bytes_min) {
    return warn("data", "less than 64 MiB are free at " + folder, "make room or name another folder with --data DIR");
  }
  return ok("data", folder + " can be written");
}

// Whether a server of ours answers at the address; its own words do not matter.
bool is_sojourn(std::string const& url) {
  auto const answer = fetch(url, {"GET", "/api/health", {}}, answer_ms_max);
  if (!answer || answer->status != 200) return false;
  auto const body = json::parse(answer->body);
  return body && body->is_object() && json::find_string(body->get_object(), "status") == "ok";
}

Finding examine_port(std::uint16_t port) {
  std::string const number = std::to_string(port);
  if (is_port_free(port)) return ok("port", number + " is free");
  auto const holder = find_listener(port);
  std::string const who = holder.empty() ? "another program" : holder;
  if (is_sojourn("http://localhost:" + number)) return ok("port", number + " is served by " + who);
  return fail("port", number + " is held by " + who,
              "stop it, or serve elsewhere: sojourn serve --listen 127.0.0.1:" + std::to_string(port + 1));
}

Finding examine_server(Examination const& examination) {
  auto const server = find_server(examination.target, examination.environment);
  if (!server && server.error().code == Code::unavailable) return ok("server", server.error().message);
  if (!server) return fail("server", server.error().message, "correct it");
  auto const answer = fetch(server->url, {"GET", "/healthz", {}}, answer_ms_max);
  if (answer && answer->status == 200) return ok("server", server->url + " answers (named by " + server->source + ")");
  bool const asked_for = server->source == "--server" || server->source == "SOJOURN_SERVER";
  std::string const what =
      answer ? server->url + " answered " + std::to_string(answer->status) : answer.error().message;
  if (asked_for) return fail("server", what + " (named by " + server->source + ")", "start it, or correct the address");
  return warn("server", what + "; " + server->source + " is left of a server that did not end cleanly",
              "start one with: sojourn serve");
}

Finding examine_io_uring() {
  auto const reason = why_no_io_uring();
  if (reason.empty()) return ok("io_uring", "available");
  return warn("io_uring", "not available (" + reason + "): the server falls back to plain sends, which cost more time",
              "sysctl kernel.io_uring_disabled=0, or allow it in the container's seccomp profile");
}

Finding examine_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return warn("files", "the limit of open files is unknown", "see ulimit -n");
  auto const wanted = static_cast<rlim_t>(Limits{}.connections) + 256;
  std::string const now = limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) return ok("files", "open files: " + now);
  return warn("files",
              "open files: " + now + ", fewer than the " + std::to_string(wanted) +
                  " of all connections that [limits] connections allows",
              "ulimit -n " + std::to_string(wanted));
}

json::object to_json(std::vector<Finding> const& findings) {
  json::array checks;
  bool is_ok = true;
  for (auto const& finding : findings) {
    is_ok = is_ok && finding.verdict != Verdict::fail;
    json::object check{{"name", finding.name},
                       {"verdict", verdicts[static_cast<std::size_t>(finding.verdict)]},
                       {"message", finding.message}};
    if (!finding.remedy.empty()) check["remedy"] = finding.remedy;
    checks.push_back(std::move(check));
  }
  return {{"ok", is_ok}, {"checks", std::move(checks)}};
}

std::string to_lines(std::vector<Finding> const& findings) {
  std::string text;
  for (auto const& finding : findings) {
    std::string const verdict(verdicts[static_cast<std::size_t>(finding.verdict)]);
    text += verdict + std::string(6 - verdict.size(), ' ');
    text += finding.name + std::string(10 - std::min<std::size_t>(9, finding.name.size()), ' ');
    text += visible(finding.message);
    if (!finding.remedy.empty()) text += "; " + visible(finding.remedy);
    text += "\n";
  }
  return text;
}

}  // namespace

std::vector<Finding> examine(Examination const& examination) {
  std::vector<Finding> findings;
  findings.push_back(examine_chromium(examination.environment));
  findings.push_back(examine_sandbox());
  findings.push_back(examine_user());
  findings.push_back(examine_ffmpeg(examination.environment));
  findings.push_back(examine_memory());
  auto const folder = find_data_folder(examination.target.data, examination.environment);
  findings.push_back(folder ? examine_data(*folder) : fail("data", folder.error().message, "name it with --data DIR"));
  findings.push_back(examine_port(examination.port));
  findings.push_back(examine_server(examination));
  findings.push_back(examine_io_uring());
  findings.push_back(examine_files());
  return findings;
}

Result<int> show_findings(Examination const& examination, Terminal& terminal) {
  auto const findings = examine(examination);
  terminal.out << (examination.target.json ? visible_json(json::to_text(to_json(findings))) + "\n"
                                           : to_lines(findings));
  if (!terminal.out.flush())
    return error(Code::storage_full, "the findings can't be written to standard output; is its disk full?");
  bool const failed =
      std::any_of(findings.begin(), findings.end(), [](auto const& f) { return f.verdict == Verdict::fail; });
  return failed ? row(Code::unavailable).exit_code : 0;
}

}  // namespace sojourn
