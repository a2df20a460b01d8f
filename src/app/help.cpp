#include "app/help.h"

#include <array>

#include "app/function_help.h"

namespace sojourn {
namespace {

constexpr std::string_view program_help =
    R"(Sojourn: a session server for AI agents, the browsers they drive and the people they work with.

Usage: sojourn COMMAND [OPTIONS]

Commands
  open URL        open a page in a headless browser, in a session of its own or in one that there is
  snapshot ID     show a browser session's page: its elements and their refs
  interact ID     act on the page: click, fill, press, scroll, go somewhere
  screenshot ID   take a picture of the page
  execute ID      run JavaScript in the page
  app run         the same functions for programs: one JSON object in, one out
  serve           run the server until it is told to end
  stop            end the server that runs in the background
  sessions        list the sessions
  show ID         show one session, and who is connected
  send ID JSON    send a message to a session
  state ID        show the state of a session, or change it
  events ID       list what happened in a session
  watch ID        follow what happens in a session
  tabs ID         list the tabs of a session's browser
  close ID        close a session
  token           make a token of a user or of a session, or the hash of a password
  backup FILE     copy what is kept to a file, also while a server runs
  verify          read all that is kept and say what is damaged
  restore FILE    put a backup in the place of what is kept
  doctor          check this machine: what it offers, what is in the way

Options of every command
  --json          answer for programs
  --server URL    the server to ask (also SOJOURN_SERVER; otherwise the one that runs on the data folder)
  --data DIR      the data folder (also SOJOURN_DATA; otherwise ~/.local/share/sojourn)
  -h, --help      help, also of a command: sojourn serve --help
  -V, --version   the version

A token in SOJOURN_TOKEN says who asks; without one it is the owner of the data folder, if the server runs on it.

Examples
  sojourn open example.com
  sojourn serve
  sojourn sessions
  sojourn send ext_1234567890ab '{"type":"navigate","data":{"url":"https://example.com"}}'

Exit codes: 0 done, 64 wrong usage, 65 bad message or damaged data, 66 no such session, 69 no server or browser,
70 a bug, 73 cannot create a file, 74 storage is full, 75 try again, 76 strange answer, 77 not allowed,
78 wrong configuration
)";

constexpr std::string_view serve_help = R"(Run the server until it is told to end (SIGTERM or Ctrl-C).

Usage: sojourn serve [OPTIONS]

  --listen ADDRESS[=DIALECT]  PORT, HOST:PORT or [IPv6]:PORT, loopback only; dialects are extension (the default),
                              sessions and monitor; may be repeated; default localhost:5409; port 0 is any free one
  --documented-ports          listen on localhost:5409 (extension), :8000 (sessions) and :5001 (monitor),
                              and allow http://localhost:3000
  --allow-origin ORIGIN       a web origin whose pages may talk to the server; may be repeated
  --data DIR                  where to keep things; default ~/.local/share/sojourn
  --store STORE               sqlite (the default): sessions outlive the server, in DIR/sessions.db; memory: they do not
  --config FILE               a TOML file of the same settings; flags win, then variables
                              such as SOJOURN_SESSIONS__IDLE_MINUTES
  --log-level LEVEL           debug, info (the default), warn or error
  --key-file FILE             a public key (PEM); nobody is let in without a token that it or our own key signed.
                              A secret instead goes into SOJOURN_KEY or the file: everybody can read flags
  --compression TRUTH         whether WebSockets are compressed whose clients offer it; default false
  --sessions.idle_minutes N   how long a shared session lives without connections, 0.01 to 1440; default 60
  --sessions.per_user N       how many shared sessions a user has before the least recently used that nobody is in
                              ends, 1 to 100000; default 0: as many as they like
  --tools.NAME.url URL        who answers calls of a tool that no connection offers to answer
  --tools.NAME.update TEXT    what the contextual update of its results is called
  --responder.url URL         who answers questions in sessions where no connection offers to; may be an endpoint of
                              chat completions, with --responder.model NAME
  --responder.timeout_s N     how long an answer may take, 1 to 3600; default 120
  --monitor.warn_after_s N    a socket of the session monitor that says nothing for so long is asked whether it is
                              there; default 900
  --monitor.drop_after_s N    and dropped after that long; default 1800
  --monitor.sweep_s N         how often that is looked at, 1 to 3600; default 60
  --monitor.eio3 TRUTH        whether clients of Engine.IO 3 are let in; default false
  --monitor.debug TRUTH       whether /debug/... is served; default true. Its key is debug_key of the file
  --monitor.client_files DIR  the files of the Socket.IO client for pages; otherwise those that are installed
  --browser.executable FILE   the Chromium to use; otherwise the first that is found
  --browser.max_contexts N    browser sessions at a time, 1 to 10000; default 0: as many as memory allows
  --browser.warm N            contexts that are prepared before somebody asks, 0 to 8; default 1
  --browser.idle_s N          how long a browser session lives without a call, 1 to 3600; default 600
  --browser.life_s N          how long it lives at most, up to 2592000; default 86400; 0 is without end
  --browser.keep_s N          how long Chromium stays without a session, up to 86400; default 60
  --browser.queue_max N       how many may wait for room, up to 100000; default 100
  --browser.wait_s N          how long each of them waits, up to 3600; default 30
  --browser.recover TRUTH     whether sessions are rebuilt after a restart of the server; default true
  --video.retention_s N       how long a video stays after its session, up to 604800; default 3600; 0: close alone
                              hands it over
  --limits.NAME NUMBER        one of [limits] of the file, such as --limits.header_ms 5000
  --check-config              only check the configuration and show what it comes to

Examples
  sojourn serve
  sojourn serve --listen 127.0.0.1:0 --data /tmp/try
  sojourn serve --config sojourn.toml --check-config

A configuration file
  listen = ["localhost:5409"]
  allow_origins = ["http://localhost:3000"]
  [sessions]
  idle_minutes = 60
  [users]
  alice = "scrypt$..."        # a line of: sojourn token --hash-password
  [tools.get_shipping_quotes]
  url = "http://127.0.0.1:9000/quotes"
  [limits]
  messages_per_s = 100
  [log]
  level = "info"
)";

constexpr std::string_view sessions_help =
    R"(List the sessions: those that clients share, those of headless browsers, and one for each browser whose
extension is connected.

Usage: sojourn sessions [--kind KIND] [--owner USER] [--json] [--server URL | --data DIR]

  --kind KIND     browser, extension, shared or all (the default)
  --owner USER    only those of this user

Examples
  sojourn sessions
  sojourn sessions --kind shared --owner alice --json
)";

constexpr std::string_view show_help = R"(Show one session, and who is connected to it.

Usage: sojourn show ID [--json] [--server URL | --data DIR]

Example
  sojourn show ext_1234567890ab
)";

constexpr std::string_view state_help =
    R"(Show the state of a session, or of one of its keys; or change it. Everybody in the session is told.

Usage: sojourn state ID [KEY] [--json] [--server URL | --data DIR]
       sojourn state ID KEY VALUE [--if-revision N]
       sojourn state ID [KEY] --patch JSON [--if-revision N]
       sojourn state ID [KEY] --delete [--if-revision N]

  VALUE             JSON, so a text is in quotes: '"blue"'; - reads it from standard input
  --patch JSON      a JSON merge patch: members are set, those that are null are deleted; - reads standard input
  --delete          delete the key, or all keys
  --if-revision N   change only a state that is at this revision (--json shows it), otherwise exit code 75

Examples
  sojourn state 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11
  sojourn state 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11 selected_shipping_option '{"carrier":"UPS","cost":12.99}'
  sojourn state 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11 --patch '{"color":"blue","size":null}' --if-revision 7
)";

constexpr std::string_view events_help =
    R"(List what happened in a session, the oldest first: time (UTC), number, type, who, data.

Usage: sojourn events ID [--since CURSOR] [--limit N] [--json] [--server URL | --data DIR]

  --since CURSOR    only what came after this cursor, or after the event of this number
  --limit N         at most so many; default 100
  --json            one event as JSON a line

Examples
  sojourn events 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11
  sojourn events 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11 --since 40 --limit 5 --json
)";

constexpr std::string_view watch_help =
    R"(Follow what happens in a session, a line an event, until it ends or Ctrl-C. A connection that breaks is made
again behind the last event that was shown.

Usage: sojourn watch ID [--since CURSOR] [--json] [--server URL | --data DIR]

  --since CURSOR    begin after this cursor, or after the event of this number, instead of now
  --json            one event as JSON a line

Examples
  sojourn watch 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11
  sojourn watch 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11 --since 0 --json
)";

constexpr std::string_view token_help =
    R"(Make a token, which says who its holder is and what it may do; or the hash of a password for [users].

Usage: sojourn token --user NAME [--scope SCOPE] [--expires TIME] [--config FILE] [--json] [--data DIR]
       sojourn token --session ID [--user NAME] [--scope SCOPE] [--expires TIME] [--single-use] [--json]
       sojourn token --hash-password [--json]

  --user NAME       who holds it. It is made with the key of the data folder; no server needs to run
  --session ID      good for this session only. The running server makes it
  --scope SCOPE     read, write, control or admin; default write. Of a session's token read, and never admin
  --expires TIME    90s, 30m, 1h (the default), 7d; or never, which a session's token can't
  --single-use      good for one connection
  --config FILE     the configuration of the server, if its key is in there
  --hash-password   read a password from standard input and print its line for [users]

Examples
  sojourn token --user alice --scope write --expires 1h
  sojourn token --session 0b0e7a3e-9d39-4f0e-8d5c-1c2f5b7f1a11 --scope read --expires 30m
  SOJOURN_TOKEN=$(sojourn token --user alice) sojourn sessions
)";

constexpr std::string_view send_help =
    R"(Send a message to a session: to its browser, or to all that share it and into its log. The message is a JSON
object with "type" and "data"; - reads it from standard input.

Usage: sojourn send ID JSON [--json] [--server URL | --data DIR]

Examples
  sojourn send ext_1234567890ab '{"type":"navigate","data":{"url":"https://example.com"}}'
  echo '{"type":"ping","data":{}}' | sojourn send ext_1234567890ab -
)";

constexpr std::string_view tabs_help = R"(List the tabs of a session's browser.

Usage: sojourn tabs ID [--json] [--server URL | --data DIR]

Example
  sojourn tabs ext_1234567890ab
)";

constexpr std::string_view close_help =
    R"(Close a session. All that are connected are told so; a browser does not connect again by itself. Of a headless
browser's session, tell where its video is.

Usage: sojourn close ID [--json] [--server URL | --data DIR]

Example
  sojourn close ext_1234567890ab
)";

constexpr std::string_view stop_help =
    R"(End the server that runs on the data folder, in order, and wait for it. That none runs is no failure.

Usage: sojourn stop [--json] [--data DIR]
)";

constexpr std::string_view doctor_help =
    R"(Check this machine: browsers, their sandbox and account, ffmpeg, memory for sessions, data folder, port 5409, the
running server, io_uring, open files.
Every line is ok, warn or fail, with what to do about it. The exit code is 0 unless something fails.

Usage: sojourn doctor [--json] [--server URL | --data DIR]
)";

constexpr std::string_view backup_help =
    R"(Copy what is kept to a file that is not there yet, as of one moment. A server may be running.

Usage: sojourn backup FILE [--json] [--data DIR]
)";

constexpr std::string_view verify_help =
    R"(Read everything that is kept, or a backup, and say what is damaged. A server may be running.
The exit code is 65 when something is.

Usage: sojourn verify [FILE] [--json] [--data DIR]
)";

constexpr std::string_view restore_help =
    R"(Put a backup in the place of what is kept, if it is sound. What was there stays beside it, under a name with the
date. No server may be running on the data folder: sojourn stop

Usage: sojourn restore FILE [--json] [--data DIR]
)";

struct Help {
  std::string_view command;
  std::string_view text;
};

constexpr std::array helps{
    Help{"serve", serve_help},   Help{"sessions", sessions_help}, Help{"show", show_help},
    Help{"send", send_help},     Help{"state", state_help},       Help{"events", events_help},
    Help{"watch", watch_help},   Help{"tabs", tabs_help},         Help{"close", close_help},
    Help{"token", token_help},   Help{"doctor", doctor_help},     Help{"stop", stop_help},
    Help{"backup", backup_help}, Help{"verify", verify_help},     Help{"restore", restore_help},
};

}  // namespace

std::string get_help(std::string_view command) {
  for (auto const& help : helps) {
    if (help.command == command) return std::string(help.text);
  }
  auto const text = get_function_help(command);
  return text.empty() ? std::string(program_help) : text;
}

}  // namespace sojourn
