#include "app/server.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "api/accounts.h"
#include "api/agent_browser.h"
#include "api/auth.h"
#include "api/chat.h"
#include "api/client_files.h"
#include "api/events.h"
#include "api/extension.h"
#include "api/function_calls.h"
#include "api/identity.h"
#include "api/monitor.h"
#include "api/monitor_debug.h"
#include "api/operations.h"
#include "api/queries.h"
#include "api/responder.h"
#include "api/router.h"
#include "api/session_files.h"
#include "api/sessions.h"
#include "api/states.h"
#include "api/stream.h"
#include "api/tabs.h"
#include "api/tools.h"
#include "api/tracked.h"
#include "api/tracking.h"
#include "api/upkeep.h"
#include "app/client_folder.h"
#include "app/file.h"
#include "app/folder.h"
#include "app/storage.h"
#include "base/crypto.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/timer_wheel.h"
#include "base/timers.h"
#include "base/version.h"
#include "base/worker.h"
#include "browser/headless.h"
#include "core/hub.h"
#include "net/caller.h"
#include "net/listener.h"
#include "net/peers.h"

namespace sojourn {
namespace {

// How long the last ones have to hear that the server ends.
constexpr std::int64_t last_word_us = 3'000'000;
// Descriptors that are not clients: listeners, logs, epoll, screenshots, and what calls to tools need.
constexpr std::int64_t reserved_fds = 320;
constexpr std::size_t client_file_bytes_max = 8'000'000;
// With fewer descriptors than that listeners rest now and then, instead of everybody being refused.
constexpr std::int64_t connections_min = 16;

std::string media_folder(Config const& config) {
  char const* const home = std::getenv("HOME");
  return (home != nullptr && *home != 0 ? std::string(home) : config.data) + "/btw_media";
}

ListenerDialect to_dialect(std::string_view word) {
  if (word == "sessions") return ListenerDialect::sessions;
  return word == "monitor" ? ListenerDialect::monitor : ListenerDialect::extension;
}

Limits with_descriptors(Limits limits) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return limits;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  auto const room = std::max(static_cast<std::int64_t>(files.rlim_cur) - reserved_fds, connections_min);
  limits.connections = std::min(limits.connections, room);
  return limits;
}

Accounts::Settings to_accounts(Config const& config) {
  bool const is_local = !config.has_key();
  return {config.users, is_local && config.users.empty(), is_local && config.test_token};
}

Tools::Table to_tools(Config const& config) {
  Tools::Table table;
  for (auto const& [name, tool] : config.tools) table[name] = {tool.url, tool.update};
  return table;
}

ResponderSettings to_responder(Config const& config) {
  auto const& responder = config.responder;
  return {responder.url, responder.timeout_s * 1'000'000, responder.model};
}

BrowserSettings to_browser(Config const& config, SealKey const& seal_key) {
  auto const& browser = config.browser;
  BrowserSettings settings;
  settings.executable = browser.executable;
  settings.data = config.data;
  settings.recovers = browser.recover;
  settings.seal_key = seal_key;
  settings.contexts_max = static_cast<std::size_t>(browser.max_contexts);
  settings.warm = static_cast<std::size_t>(browser.warm);
  settings.keep_us = browser.keep_s * 1'000'000;
  settings.video_retention_s = config.video_retention_s;
  return settings;
}

BrowserRules to_rules(BrowserConfig const& browser) {
  return {browser.idle_s * 1'000'000, browser.life_s * 1'000'000, static_cast<std::size_t>(browser.queue_max),
          browser.wait_s * 1'000'000, browser.recover};
}

EngineSettings to_engines(Config const& config, Limits const& limits) {
  return {config.monitor.eio3, limits.ping_ms, limits.pong_ms, std::min(limits.message_bytes, limits.body_bytes)};
}

SocketIo::Settings to_socket_io(Limits const& limits) {
  SocketIo::Settings settings;
  settings.message_bytes = static_cast<std::size_t>(limits.message_bytes);
  return settings;
}

Monitor::Rules to_monitor(Config const& config, std::string const& own_secret) {
  Monitor::Rules rules;
  rules.warn_us = config.monitor.warn_after_s * 1'000'000;
  rules.drop_us = config.monitor.drop_after_s * 1'000'000;
  rules.sweep_us = config.monitor.sweep_s * 1'000'000;
  auto const key = hmac_sha256(own_secret, "who comes back over Socket.IO");
  rules.pid_key.assign(key.begin(), key.end());
  return rules;
}

// Everybody knows the documented key: it is good for a machine of one's own.
std::string to_debug_key(Config const& config) {
  constexpr std::string_view documented = "debug_websocket_key";
  if (config.has_key()) return config.debug_key == documented ? std::string() : config.debug_key;
  return config.debug_key.empty() ? std::string(documented) : config.debug_key;
}

// What the command line of the same user on this machine asks with.
std::string mint_admin_token(Keys const& keys, Moment now) {
  return keys.mint({"admin", 0, Scope::admin, {}, {}}, now.utc_us);
}

websocket::Compression to_compression(Config const& config) {
  return config.compression ? websocket::Compression::deflate : websocket::Compression::off;
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

int open_signals() {
  auto const signals = ending_signals();
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace

namespace {

// What stands before the store does.
struct Ground {
  Ground(Config c, std::unique_ptr<Folder> f, std::string secret, std::string_view browser)
      : config(std::move(c)), folder(std::move(f)), own_secret(std::move(secret)), seal_key(sha256(browser)) {}

  Config config;
  std::unique_ptr<Folder> folder;
  std::string own_secret;
  SealKey seal_key;
  Loop loop;
  Mailbox mailbox{loop};
};

}  // namespace

// In the order of need: what stands later may use what stands earlier.
struct Server::Parts {
  Parts(std::unique_ptr<Ground> g, std::unique_ptr<Store> s) : ground(std::move(g)), store(std::move(s)) {}

  std::unique_ptr<Ground> ground;
  std::unique_ptr<Store> store;  // whose thread writes to the mailbox
  Config& config = ground->config;
  Folder& folder = *ground->folder;
  std::string const& own_secret = ground->own_secret;
  Loop& loop = ground->loop;
  Limits limits = with_descriptors(config.limits);
  Identity identity{to_keys(config, own_secret), !config.has_key()};
  Log log{config.log_level};
  TimerWheel wheel{loop.now().steady_us};
  Timers timers;
  Later later = [this](std::int64_t us, std::function<void()> function) {
    timers.set(loop.now().steady_us + us, std::move(function));
  };
  Worker worker{loop};
  HttpCaller caller{loop, wheel, {{"sojourn/" + std::string(version)}}};
  Headless browser{loop, to_browser(config, ground->seal_key)};
  Hub hub{Hub::World{*store, log, Clock(), Random(), limits, config.idle_ms * 1000,
                     static_cast<std::size_t>(config.sessions_per_user), &browser, to_rules(config.browser)}};
  Access access{config.allow_origins, config.documented_ports};
  Tools tools{hub, caller, to_tools(config)};
  Responder responder{{hub, caller, Clock(), later, to_responder(config)}};
  Extension extension{hub};
  Tabs tabs{hub, media_folder(config), Random()};
  Tracking tracking{hub, tools, responder, Random()};
  Tracked tracked{hub, Random()};
  Accounts accounts{identity, to_accounts(config),
                    [this](auto job, auto done) { return worker.run(std::move(job), std::move(done)); }};
  Sessions sessions{hub, identity};
  Upkeep upkeep{hub};
  States states{hub};
  Events events{hub};
  Stream stream{hub, tools, responder};
  Queries queries{{hub, responder, Random(), Clock(), later}};
  Monitor monitor{{Random(), Clock(), later, to_socket_io(limits)},
                  {hub, tools, responder, stream, identity, log, to_monitor(config, own_secret)}};
  MonitorDebug monitor_debug{{monitor, hub, identity, to_debug_key(config), config.monitor.debug}};
  Chat chat{{hub, responder, Random(), Clock(), later,
             [this](Principal const& by, std::string const& thread_id) { monitor.touch(by, thread_id); }}};
  ClientFiles client_files{find_client_folder(config.monitor.client_files, executable_folder()),
                           [](std::string const& path) { return read_file(path, client_file_bytes_max); }};
  FunctionCalls function_calls{hub};
  AgentBrowser agent_browser{{hub, Random(), Clock()}};
  SessionFiles session_files{hub, config.data + "/files",
                             [this](auto job, auto done) { return worker.run(std::move(job), std::move(done)); }};
  Router router{access, identity, log, Random()};
  Peers peers{NetWorld{loop, wheel, router, hub, log, limits, to_engines(config, limits), to_compression(config)}};
  Operations operations{hub, router, {std::string(peers.sending()), config.store}};
  std::vector<std::unique_ptr<Listener>> listeners;
  Watch signals{loop, open_signals(), EPOLLIN, [this](std::uint32_t) { on_signal(); }};
  Watch stopping{loop, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN, [this](std::uint32_t) { on_stop(); }};
  std::int64_t end_us = 0;        // when a server that is ending ends; 0 = it is not
  std::int64_t quiet_end_us = 0;  // the same if nobody waits for an answer
  int exit_code = 0;

  void on_signal() {
    signalfd_siginfo info{};
    if (read(signals.fd(), &info, sizeof(info)) != sizeof(info)) return;
    if (end_us != 0) return loop.stop();  // asked twice
    begin_to_end(info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
  }

  void on_stop() {
    std::uint64_t count = 0;
    if (read(stopping.fd(), &count, sizeof(count)) == sizeof(count)) begin_to_end("stop");
  }

  void begin_to_end(std::string_view why) {
    if (end_us != 0) return;
    log.write(Level::info, "server.ending", {{"reason", why}});
    auto const window_us = limits.drain_ms * 1000;
    end_us = loop.now().steady_us + window_us + last_word_us;
    operations.drain();
    listeners.clear();
    peers.drain("the server is shutting down", window_us);
    quiet_end_us = peers.drained_us() + last_word_us;
  }

  // In the order in which they are asked: a bare /ws with a token or a session is tracking's, else the extension's.
  void add_doors() {
    router.add(&tracking, {}, Tracking::entrances());
    router.add(&extension, Extension::routes(), Extension::entrances());
    router.add(&tabs, Tabs::routes());
    router.add(&tracked, Tracked::routes());
    router.add(&accounts, Accounts::routes());
    router.add(&sessions, Sessions::routes());
    router.add(&upkeep, Upkeep::routes());
    router.add(&states, States::routes());
    router.add(&events, Events::routes());
    router.add(&stream, {}, Stream::entrances());
    router.add(&queries, Queries::routes());
    router.add(static_cast<SocketIo*>(&monitor), {}, Monitor::entrances());
    router.add(&monitor_debug, MonitorDebug::routes());
    router.add(&chat, Chat::routes());
    router.add(&client_files, ClientFiles::routes());
    router.add(&function_calls, FunctionCalls::routes());
    router.add(&agent_browser, AgentBrowser::routes());
    router.add(&session_files, SessionFiles::routes());
    router.add(&operations, Operations::routes());
  }

  // Everybody has gone, or had the time to, and everything is kept; or it took too long.
  bool has_ended() {
    auto const now_us = loop.now().steady_us;
    if (now_us >= end_us) return true;
    bool const are_gone = peers.size() == 0 || (now_us >= quiet_end_us && !peers.is_answering());
    if (!are_gone) return false;
    hub.save_now();
    return hub.is_saved();
  }

  // Ends a loop iteration; see Loop::Turn.
  std::int64_t turn() {
    wheel.advance(loop.now().steady_us);
    timers.run_due(loop.now().steady_us);
    hub.turn();
    bool const has_closed = peers.turn();  // which may submit what waited behind an answer that has gone out now
    log.flush();
    if (hub.is_stopped() && end_us == 0) {
      exit_code = row(Code::storage_full).exit_code;
      begin_to_end("storage failed");
      return 0;  // what that queued goes out in another turn
    }
    if (end_us != 0 && has_ended()) loop.stop();
    if (has_closed || hub.has_more()) return 0;
    auto const next_us = std::min({wheel.next_us(), timers.next_us(), hub.next_deadline_us(), peers.next_us()});
    if (end_us == 0) return next_us;
    return std::min(next_us, loop.now().steady_us < quiet_end_us ? quiet_end_us : end_us);
  }
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(Config config) {
  std::signal(SIGPIPE, SIG_IGN);
  // Before any thread starts, so that all of them leave these signals to the loop.
  auto const signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto folder = Folder::open(config.data);
  if (!folder) return folder.error();
  auto secret = (*folder)->secret();
  if (!secret) return secret.error();
  auto const browser = (*folder)->secret(browser_secret);
  if (!browser) return browser.error();
  auto ground = std::make_unique<Ground>(std::move(config), std::move(*folder), std::move(*secret), *browser);
  auto post = [&mailbox = ground->mailbox](std::function<void()> function) { mailbox.post(std::move(function)); };
  auto store = open_store(ground->config, std::move(post));
  if (!store) return store.error();
  auto parts = std::make_unique<Parts>(std::move(ground), std::move(*store));
  if (auto const restored = parts->hub.restore(); !restored) return restored.error();
  parts->add_doors();
  parts->router.remember(parts->hub, parts->loop.now(), hmac_sha256(parts->own_secret, "answers that are kept"));
  for (auto const& place : parts->config.listen) {
    auto opened = Listener::open(parts->peers, {place.host, place.port, to_dialect(place.dialect)});
    if (!opened) return opened.error();
    for (auto& listener : *opened) {
      parts->access.add_port(listener->port(), listener->host());
      parts->caller.add_own_port(listener->port());
      parts->listeners.push_back(std::move(listener));
    }
  }
  std::vector<int> ports;
  for (auto const& listener : parts->listeners) ports.push_back(listener->port());
  parts->browser.know(parts->listeners.front()->url(), std::move(ports));
  auto const token = mint_admin_token(parts->identity.keys(), parts->loop.now());
  auto announced = parts->folder.announce(parts->listeners.front()->url(), token);
  if (!announced) return announced.error();
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

std::vector<std::string> Server::urls() const {
  std::vector<std::string> urls;
  for (auto const& listener : parts_->listeners) urls.push_back(listener->url());
  return urls;
}

int Server::run() {
  parts_->log.write(Level::info, "server.started",
                    {{"address", parts_->listeners.front()->url()}, {"data", parts_->config.data}});
  parts_->loop.run([this] { return parts_->turn(); });
  parts_->log.write(Level::info, "server.ended");
  return parts_->exit_code;
}

void Server::stop() {
  std::uint64_t const one = 1;
  if (write(parts_->stopping.fd(), &one, sizeof(one)) < 0) std::abort();  // an eventfd takes one write
}

int serve(Config const& config) {
  // Whoever started us may have closed them: no socket of ours may stand where log lines are written to.
  for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) return row(Code::cannot_create).exit_code;
  }
  auto server = Server::open(config);
  if (!server) {
    std::fprintf(stderr, "sojourn: %s\n", server.error().message.c_str());
    return row(server.error().code).exit_code;
  }
  for (auto const& url : (*server)->urls()) std::printf("Listening on %s\n", url.c_str());
  std::fflush(stdout);
  return (*server)->run();
}

}  // namespace sojourn
