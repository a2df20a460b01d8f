#include "net/batch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sojourn {
namespace {

// Two ends of a connection; what is sent at `near` comes out at `far`.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    near = ends[0];
    far = ends[1];
  }
  ~Pair() {
    ::close(near);
    hang_up();
  }
  Pair(Pair const&) = delete;
  Pair& operator=(Pair const&) = delete;

  void hang_up() {
    if (far >= 0) ::close(far);
    far = -1;
  }
  // All that has come.
  std::string read() const {
    std::string text;
    std::array<char, 65536> buffer;
    for (;;) {
      auto const got = recv(far, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  int near = -1;
  int far = -1;
};

iovec part_of(std::string& text) { return {text.data(), text.size()}; }

void add(SendBatch& batch, Pair& pair, std::string& text) {
  auto const part = part_of(text);
  batch.add(pair.near, {&part, 1}, &pair);
}

// So many bytes fit into no socket.
constexpr std::size_t too_much = 16'000'000;

// A soft limit of open files, for as long as it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t files) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = std::min(files, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~FileLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(FileLimit const&) = delete;
  FileLimit& operator=(FileLimit const&) = delete;

 private:
  rlimit before_{};
};

// What every way of sending has to keep.
class EverySending : public testing::TestWithParam<Sending> {
 protected:
  SendBatch batch{GetParam()};
};

TEST_P(EverySending, SaysItsName) {
  if (GetParam() == Sending::plain) {
    EXPECT_EQ(batch.name(), "send");
  } else {
    EXPECT_TRUE(batch.name() == "io_uring" || batch.name() == "send") << batch.name();
  }
}

TEST_P(EverySending, TellsWhatCameOfEachInTheOrderOfAdding) {
  Pair first;
  Pair second;
  Pair third;
  std::string a = "a";
  std::string bc = "bc";
  std::string def = "def";
  add(batch, first, a);
  add(batch, second, bc);
  add(batch, third, def);
  EXPECT_EQ(first.read(), "") << "nothing goes before submit";
  auto const sent = batch.submit();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].tag, &first);
  EXPECT_EQ(sent[1].tag, &second);
  EXPECT_EQ(sent[2].tag, &third);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(sent[i].result, static_cast<std::int64_t>(i + 1));
  EXPECT_EQ(first.read(), "a");
  EXPECT_EQ(second.read(), "bc");
  EXPECT_EQ(third.read(), "def");
}

TEST_P(EverySending, IsEmptyAfterwards) {
  EXPECT_TRUE(batch.submit().empty());
  Pair pair;
  std::string text = "once";
  add(batch, pair, text);
  EXPECT_EQ(batch.submit().size(), 1u);
  EXPECT_TRUE(batch.submit().empty());
  EXPECT_EQ(pair.read(), "once");
}

TEST_P(EverySending, JoinsParts) {
  Pair pair;
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 64; ++i) texts.push_back(std::to_string(i) + " "), expected += texts.back();
  std::vector<iovec> parts;
  for (auto& text : texts) parts.push_back(part_of(text));
  Pair other;
  std::string plain = "other";
  batch.add(pair.near, parts, &pair);
  add(batch, other, plain);
  auto const sent = batch.submit();
  EXPECT_EQ(sent[0].result, static_cast<std::int64_t>(expected.size()));
  EXPECT_EQ(pair.read(), expected);
  EXPECT_EQ(other.read(), "other");
}

TEST_P(EverySending, TakesMoreSocketsThanARingHasPlaces) {
  FileLimit const enough(8192);
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::string> texts;
  for (int i = 0; i < 1300; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    texts.push_back("for " + std::to_string(i));
    ASSERT_GE(pairs.back()->near, 0) << "this test needs 2,600 open files";
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      auto const half = texts[i].size() / 2;
      std::array<iovec, 2> const parts{iovec{texts[i].data(), half}, {texts[i].data() + half, texts[i].size() - half}};
      if (i % 3 == 0)
        batch.add(pairs[i]->near, parts, pairs[i].get());
      else
        add(batch, *pairs[i], texts[i]);
    }
    auto const sent = batch.submit();
    ASSERT_EQ(sent.size(), pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_EQ(sent[i].tag, pairs[i].get());
      EXPECT_EQ(sent[i].result, static_cast<std::int64_t>(texts[i].size()));
      EXPECT_EQ(pairs[i]->read(), texts[i]);
    }
  }
}

TEST_P(EverySending, SendsAsMuchAsFitsInAndSaysHowMuch) {
  Pair full;
  Pair other;
  std::string text(too_much, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  std::string small = "small";
  add(batch, full, text);
  add(batch, other, small);
  auto const sent = batch.submit();
  auto const taken = sent[0].result;
  ASSERT_GT(taken, 0);
  ASSERT_LT(taken, static_cast<std::int64_t>(too_much));
  EXPECT_EQ(sent[1].result, 5);
  EXPECT_TRUE(full.read() == text.substr(0, static_cast<std::size_t>(taken)));
  EXPECT_EQ(other.read(), "small");
}

TEST_P(EverySending, AFullSocketSaysSoAtOnceAndTakesMoreOnceItIsRead) {
  Pair pair;
  std::string text(too_much, 'x');
  add(batch, pair, text);
  batch.submit();
  std::string more = "more";
  for (int i = 0; i < 3; ++i) {
    add(batch, pair, more);
    EXPECT_EQ(batch.submit()[0].result, -EAGAIN);
  }
  EXPECT_GT(pair.read().size(), 0u);
  add(batch, pair, more);
  EXPECT_EQ(batch.submit()[0].result, 4);
  EXPECT_EQ(pair.read(), "more") << "of what did not fit in, nothing comes later";
}

TEST_P(EverySending, AClosedOrBrokenSocketHarmsNobodyElse) {
  Pair before;
  Pair closed;
  Pair after;
  closed.hang_up();
  std::string text = "text";
  add(batch, before, text);
  add(batch, closed, text);
  auto const part = part_of(text);
  batch.add(-1, {&part, 1}, nullptr);
  add(batch, after, text);
  auto const sent = batch.submit();
  EXPECT_EQ(sent[0].result, 4);
  EXPECT_EQ(sent[1].result, -EPIPE);
  EXPECT_EQ(sent[2].result, -EBADF);
  EXPECT_EQ(sent[3].result, 4);
  EXPECT_EQ(before.read(), "text");
  EXPECT_EQ(after.read(), "text");
}

TEST_P(EverySending, AResetConnectionSaysSo) {
  int const listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, name, size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, name, &size), 0);
  int const near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(near, name, size), 0);
  int const far = accept(listener, nullptr, nullptr);
  linger const at_once{1, 0};
  setsockopt(far, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(far);
  std::string text = "text";
  auto const part = part_of(text);
  batch.add(near, {&part, 1}, nullptr);
  EXPECT_EQ(batch.submit()[0].result, -ECONNRESET);
  batch.add(near, {&part, 1}, nullptr);
  EXPECT_EQ(batch.submit()[0].result, -EPIPE);
  ::close(near);
  ::close(listener);
}

TEST_P(EverySending, KeepsTheOrderOfEachSocket) {
  std::array<Pair, 5> pairs;
  std::string expected;
  for (int round = 0; round < 200; ++round) {
    std::string text = std::to_string(round) + ",";
    expected += text;
    for (auto& pair : pairs) add(batch, pair, text);
    for (auto const& sent : batch.submit()) ASSERT_EQ(sent.result, static_cast<std::int64_t>(text.size()));
  }
  for (auto const& pair : pairs) EXPECT_EQ(pair.read(), expected);
}

TEST_P(EverySending, NeedsTheBytesNoLongerThanTheCall) {
  Pair pair;
  std::string text(50'000, 'a');
  std::array<iovec, 2> parts{iovec{text.data(), 20'000}, {text.data() + 20'000, 30'000}};
  batch.add(pair.near, parts, nullptr);
  batch.submit();
  text.assign(50'000, 'b');
  EXPECT_TRUE(pair.read() == std::string(50'000, 'a'));
}

TEST_P(EverySending, SendsFromAnotherThreadThanItWasMadeIn) {
  Pair pair;
  std::string text = "text";
  std::int64_t result = 0;
  std::thread([&] {
    add(batch, pair, text);
    result = batch.submit()[0].result;
  }).join();
  EXPECT_EQ(result, 4);
  EXPECT_EQ(pair.read(), "text");
}

INSTANTIATE_TEST_SUITE_P(Batch, EverySending, testing::Values(Sending::fastest, Sending::plain),
                         [](auto const& chosen) { return chosen.param == Sending::plain ? "plain" : "fastest"; });

// Where the kernel gives no ring; here because no file may be opened.
TEST(SendBatchTest, WithoutIoUringItSendsAllTheSame) {
  Pair pair;
  std::string text = "text";
  FileLimit const none(0);
  SendBatch batch(Sending::fastest);
  EXPECT_EQ(batch.name(), "send");
  add(batch, pair, text);
  EXPECT_EQ(batch.submit()[0].result, 4);
  EXPECT_EQ(pair.read(), "text");
}

TEST(SendBatchTest, ARingThatCanNotBeHadWhenItIsNeededIsNotMissed) {
  Pair pair;
  std::string text = "text";
  SendBatch batch(Sending::fastest);
  FileLimit const none(0);
  add(batch, pair, text);
  EXPECT_EQ(batch.submit()[0].result, 4);
  EXPECT_EQ(batch.name(), "send");
  add(batch, pair, text);
  EXPECT_EQ(batch.submit()[0].result, 4);
  EXPECT_EQ(pair.read(), "texttext");
}

}  // namespace
}  // namespace sojourn
