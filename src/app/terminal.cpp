#include "app/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "app/table.h"

namespace sojourn {
namespace {

constexpr std::size_t secret_bytes_max = 4096;
constexpr std::size_t usual_columns = 80;

sigset_t to_set(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int const signal : signals) sigaddset(&set, signal);
  return set;
}

// Keeps a terminal from showing what is typed. Signals wait until it shows it again: who ends the process by Ctrl-C
// must not be left with a blind terminal.
class Darkness {
 public:
  explicit Darkness(int terminal) : terminal_(terminal) {
    auto const set = to_set({SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP});
    pthread_sigmask(SIG_BLOCK, &set, &signals_before_);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (::tcgetattr(terminal, &before_) != 0) return;
    termios dark = before_;
    dark.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_dark_ = ::tcsetattr(terminal, TCSAFLUSH, &dark) == 0;
  }
  Darkness(Darkness const&) = delete;
  Darkness& operator=(Darkness const&) = delete;
  ~Darkness() {
    if (is_dark_) ::tcsetattr(terminal_, TCSANOW, &before_);
    if (signals_ >= 0) ::close(signals_);
    pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
  }

  // Waits for a line. False when a signal came first.
  [[nodiscard]] bool wait() const {
    std::array<pollfd, 2> entries{{{terminal_, POLLIN, 0}, {signals_, POLLIN, 0}}};
    while (::poll(entries.data(), entries.size(), -1) < 0 && errno == EINTR) {
    }
    return entries[1].revents == 0;
  }

 private:
  int terminal_;
  int signals_ = -1;
  sigset_t signals_before_{};
  termios before_{};
  bool is_dark_ = false;
};

void write_text(int descriptor, std::string_view text) {
  // A question that can't be shown is no reason not to take the answer.
  [[maybe_unused]] auto const written = ::write(descriptor, text.data(), text.size());
}

}  // namespace

Result<> print(Terminal& terminal, std::string_view text) {
  terminal.out << text;
  if (!terminal.out.flush())
    return error(Code::storage_full, "the answer can't be written to standard output; is its disk full?");
  return {};
}

Result<> print_json(Terminal& terminal, json::value const& answer) {
  return print(terminal, visible_json(json::to_text(answer)) + "\n");
}

void note(Terminal& terminal, std::string_view text) {
  terminal.err << terminal.program << ": " << visible(text) << '\n' << std::flush;
}

int open_stop() {
  auto const set = to_set({SIGINT, SIGTERM});
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

std::size_t measure_columns(int descriptor) {
  if (::isatty(descriptor) == 0) return 0;
  winsize size{};
  bool const is_known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return is_known ? size.ws_col : usual_columns;
}

Result<std::string> read_secret(int descriptor, std::string_view question) {
  auto const no_answer = error(Code::invalid, "no password was given; type one, or pass it on standard input");
  Darkness const darkness(descriptor);
  write_text(descriptor, question);
  std::string line;
  while (darkness.wait()) {
    std::array<char, 256> buffer{};
    ssize_t const count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) break;
    line.append(buffer.data(), static_cast<std::size_t>(count));
    if (line.size() > secret_bytes_max) return error(Code::too_large, "the password is over 4096 bytes; take less");
    if (!line.ends_with('\n')) continue;
    line.pop_back();
    write_text(descriptor, "\n");
    return line;
  }
  write_text(descriptor, "\n");
  return no_answer;
}

}  // namespace sojourn
