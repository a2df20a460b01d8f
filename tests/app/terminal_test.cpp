#include "app/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>

namespace sojourn {
namespace {

// A terminal whose person is the test.
class Screen {
 public:
  Screen() {
    person_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (person_ < 0 || ::grantpt(person_) != 0 || ::unlockpt(person_) != 0) return;
    program_ = ::open(::ptsname(person_), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  Screen(Screen const&) = delete;
  Screen& operator=(Screen const&) = delete;
  ~Screen() {
    if (program_ >= 0) ::close(program_);
    if (person_ >= 0) ::close(person_);
  }

  int program() const { return program_; }

  void type(std::string const& text) const {
    EXPECT_EQ(::write(person_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  bool shows_what_is_typed() const {
    termios mode{};
    EXPECT_EQ(::tcgetattr(program_, &mode), 0);
    return (mode.c_lflag & ECHO) != 0;
  }

  // What is on the screen once it has `text` at its end.
  std::string read_until(std::string const& text) const {
    std::string seen;
    pollfd entry{person_, POLLIN, 0};
    while (!seen.ends_with(text) && ::poll(&entry, 1, 3000) > 0) {
      std::array<char, 256> buffer{};
      ssize_t const count = ::read(person_, buffer.data(), buffer.size());
      if (count <= 0) break;
      seen.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return seen;
  }

 private:
  int person_ = -1;
  int program_ = -1;
};

TEST(TerminalWords, AnswersForProgramsAreOneHarmlessLine) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{in, out, err, {}, Clock(), nullptr};
  EXPECT_TRUE(print_json(terminal, json::object{{"a", "\x1b\n\u202e"}}));
  EXPECT_EQ(out.str(), "{\"a\":\"\\u001b\\n\\u202e\"}\n");
  note(terminal, "b\x1b\nc");
  EXPECT_EQ(err.str(), "sojourn: b\\u{1b}\\nc\n");
  out.setstate(std::ios::badbit);
  EXPECT_EQ(print(terminal, "x").error().code, Code::storage_full);
}

TEST(TerminalWords, OnlyScreensHaveColumns) {
  Screen const screen;
  ASSERT_GE(screen.program(), 0);
  winsize const size{24, 97, 0, 0};
  ASSERT_EQ(::ioctl(screen.program(), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(measure_columns(screen.program()), 97U);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  EXPECT_EQ(measure_columns(ends[0]), 0U);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Secrets, AreReadWithoutBeingShown) {
  Screen const screen;
  ASSERT_GE(screen.program(), 0);
  EXPECT_TRUE(screen.shows_what_is_typed());
  Result<std::string> secret = std::string();
  std::thread program([&] { secret = read_secret(screen.program(), "Password: "); });
  EXPECT_EQ(screen.read_until("Password: "), "Password: ");
  EXPECT_FALSE(screen.shows_what_is_typed());
  screen.type("hunter2\n");
  EXPECT_EQ(screen.read_until("\n"), "\r\n");
  program.join();
  ASSERT_TRUE(secret);
  EXPECT_EQ(*secret, "hunter2");
  EXPECT_TRUE(screen.shows_what_is_typed());
}

TEST(Secrets, TheEndOfTheInputIsNone) {
  Screen const screen;
  ASSERT_GE(screen.program(), 0);
  Result<std::string> secret = std::string();
  std::thread program([&] { secret = read_secret(screen.program(), "? "); });
  EXPECT_EQ(screen.read_until("? "), "? ");
  screen.type("\x04");
  program.join();
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, Code::invalid);
  EXPECT_TRUE(screen.shows_what_is_typed());
}

// In processes of their own: the signals are meant to end them.
TEST(Secrets, ASignalEndsTheProcessOnlyAfterTheScreenIsAsBefore) {
  Screen const screen;
  ASSERT_GE(screen.program(), 0);
  pid_t const child = ::fork();
  if (child == 0) {
    // Whoever runs the tests in the background may have had it ignored.
    std::signal(SIGINT, SIG_DFL);
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_UNBLOCK, &interrupt, nullptr);
    static_cast<void>(read_secret(screen.program(), "? "));
    ::_exit(0);
  }
  EXPECT_EQ(screen.read_until("? "), "? ");
  EXPECT_FALSE(screen.shows_what_is_typed());
  ASSERT_EQ(::kill(child, SIGINT), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
  EXPECT_TRUE(screen.shows_what_is_typed());
}

TEST(Stop, IsReadableAfterASignalThatNoLongerEndsTheProcess) {
  pid_t const child = ::fork();
  if (child == 0) {
    int const stop = open_stop();
    pollfd entry{stop, POLLIN, 0};
    bool const was_quiet = ::poll(&entry, 1, 0) == 0;
    ::raise(SIGINT);
    ::_exit(was_quiet && ::poll(&entry, 1, 1000) == 1 ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

}  // namespace
}  // namespace sojourn
