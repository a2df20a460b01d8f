#include "browser/recorder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/crypto.h"
#include "browser/account.h"
#include "support/browser_thread.h"

namespace sojourn {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sojourn-recorder-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(std::string const& name) const { return (path_ / name).string(); }
  // A program that a shell runs.
  std::string program(std::string const& script) const {
    auto const file = this->file("program");
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(file, fs::perms::owner_all);
    return file;
  }

 private:
  fs::path path_;
};

std::string run(std::string const& command) {
  std::string out;
  FILE* const pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (auto const got = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  pclose(pipe);
  return out;
}

struct Video {
  std::string size;  // "640x360"
  double duration_s = 0;
  std::vector<double> at_s;  // of each frame
};

Video probe(std::string const& file) {
  Video video;
  video.size = run("ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0:s=x " + file);
  while (!video.size.empty() && video.size.back() == '\n') video.size.pop_back();
  video.duration_s = std::atof(run("ffprobe -v error -show_entries format=duration -of csv=p=0 " + file).c_str());
  auto const times = run("ffprobe -v error -show_entries packet=pts_time -of csv=p=0 " + file);
  for (std::size_t at = 0; at < times.size(); at = times.find('\n', at) + 1)
    video.at_s.push_back(std::atof(&times[at]));
  return video;
}

// The colour in the middle of the last frame, as three numbers.
std::array<int, 3> last_colour(std::string const& file) {
  auto const raw = run("ffmpeg -v error -i " + file + " -vf crop=2:2:319:179,scale=1:1 -f rawvideo -pix_fmt rgb24 -");
  if (raw.size() < 3) return {-1, -1, -1};
  auto const* const last = reinterpret_cast<unsigned char const*>(raw.data()) + raw.size() - 3;
  return {last[0], last[1], last[2]};
}

bool is_green(std::array<int, 3> const& colour) { return colour[0] < 60 && colour[1] > 90 && colour[2] < 60; }

class RecorderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!stage.chromium) GTEST_SKIP() << "there is no Chromium";
  }

  void begin() {
    RecorderWorld world{stage.chromium->wire(), stage.loop, stage.timers, stage.page, *lend_account()};
    RecorderSetup setup;
    setup.path = path;
    setup.width = 640;
    setup.height = 360;
    auto started = Recorder::start(std::move(world), std::move(setup));
    ASSERT_TRUE(started) << started.error().message;
    recorder = *std::move(started);
    stage.chromium->wire().listen(stage.page, [this](std::string_view method, std::string_view params) {
      if (method != "Page.screencastFrame") return;
      ++frames;
      recorder->on_frame(json::parse(params)->get_object());
    });
  }
  Video finish() {
    auto const result = stage.wait_for(recorder->finish());
    if (!result || !*result) {
      ADD_FAILURE() << (result ? result->error().message : "it never finished");
      return {};
    }
    return probe(path);
  }

  Folder folder;
  std::string path = folder.file("video.webm");
  OnePage stage;
  std::unique_ptr<Recorder> recorder;
  int frames = 0;
};

TEST_F(RecorderTest, INF_01_AVideoLastsAsLongAsWhatItShowsAndHasTheSizeOfTheViewport) {
  stage.show("<body style='margin:0;background:blue'><h1 id=a>0</h1>");
  begin();
  for (int i = 0; i < 6; ++i) {
    stage.evaluate("a.textContent = " + std::to_string(i + 1));
    stage.run_for(250);
  }
  EXPECT_GT(fs::file_size(path), 300U);  // it can be seen before it is complete
  auto const video = finish();
  EXPECT_EQ(video.size, "640x360");
  EXPECT_NEAR(video.duration_s, 1.55, 0.35);
  EXPECT_GE(video.at_s.size(), 7U);
  EXPECT_EQ(video.at_s.front(), 0);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, getuid());
}

TEST_F(RecorderTest, APageThatIsStillGivesOneFrameWhichStaysToTheEnd) {
  stage.show("<body style='margin:0;background:green'>");
  begin();
  ASSERT_TRUE(stage.run_until([this] { return frames == 1; }));
  stage.run_for(2000);
  EXPECT_EQ(frames, 1);
  auto const video = finish();
  EXPECT_EQ(video.at_s.size(), 2U);
  EXPECT_NEAR(video.duration_s, 2.05, 0.2);
  EXPECT_TRUE(is_green(last_colour(path)));
}

TEST_F(RecorderTest, AnAnimationGivesAboutFifteenFramesASecond) {
  stage.show(
      "<body style='margin:0'><div id=a style='width:90px;height:90px;background:red;position:absolute'></div>"
      "<script>let x=0;(function f(){a.style.left=(x=x<500?x+3:0)+'px';requestAnimationFrame(f)})()</script>");
  begin();
  stage.run_for(2000);
  EXPECT_LE(frames, 36);
  EXPECT_GE(frames, 15);
  auto const video = finish();
  EXPECT_NEAR(video.duration_s, 2.0, 0.35);
}

TEST_F(RecorderTest, TheLastOfManyQuickChangesIsNotLost) {
  stage.show("<body style='margin:0;background:red'>");
  begin();
  ASSERT_TRUE(stage.run_until([this] { return frames == 1; }));
  stage.evaluate(
      "new Promise(r=>{let k=0;(function f(){document.body.style.background=++k<12?(k&1?'yellow':'red'):'green';"
      "if(k<12)requestAnimationFrame(f);else r()})()})");
  stage.run_for(900);
  EXPECT_LE(frames, 12);
  finish();
  EXPECT_TRUE(is_green(last_colour(path)));
}

TEST_F(RecorderTest, GoesOnOverNavigationsAndCrashes) {
  stage.show("<body style='margin:0;background:red'>");
  begin();
  ASSERT_TRUE(stage.run_until([this] { return frames >= 1; }));
  stage.show("<body style='margin:0;background:blue'>");
  EXPECT_TRUE(stage.run_until([this] { return frames >= 2; }));
  stage.chromium->wire().send(stage.page, "Page.crash");
  stage.run_for(300);
  auto const before = frames;
  stage.show("<body style='margin:0;background:green'>");
  EXPECT_TRUE(stage.run_until([&] { return frames > before; }));
  stage.run_for(300);
  auto const video = finish();
  EXPECT_GE(video.at_s.size(), 4U);
  EXPECT_TRUE(is_green(last_colour(path)));
}

TEST_F(RecorderTest, AViewportOfAnotherSizeIsFittedIntoTheFirst) {
  stage.show("<body style='margin:0;background:red'>");
  begin();
  ASSERT_TRUE(stage.run_until([this] { return frames >= 1; }));
  stage.resize(300, 500);
  stage.evaluate("document.body.style.background='green'");
  stage.run_for(400);
  stage.resize(1281, 721);
  stage.run_for(400);
  auto const video = finish();
  EXPECT_EQ(video.size, "640x360");
  EXPECT_GE(video.at_s.size(), 3U);
  EXPECT_TRUE(is_green(last_colour(path)));
}

TEST_F(RecorderTest, ThePageMayGoBeforeTheVideoIsComplete) {
  stage.show("<body style='margin:0;background:green'>");
  begin();
  ASSERT_TRUE(stage.run_until([this] { return frames >= 1; }));
  stage.chromium->wire().listen(stage.page, {});
  recorder->leave_page();
  stage.chromium.reset();
  stage.run_for(500);
  EXPECT_NEAR(finish().duration_s, 0.55, 0.3);
}

TEST_F(RecorderTest, EndsAtItsLargestSizeAndTheVideoIsWhole) {
  stage.show("<body style='margin:0;background:green'><h1 id=a>0</h1>");
  RecorderWorld world{stage.chromium->wire(), stage.loop, stage.timers, stage.page};
  RecorderSetup setup;
  setup.path = path;
  setup.width = 640;
  setup.height = 360;
  setup.bytes_max = 4000;
  recorder = *Recorder::start(std::move(world), std::move(setup));
  stage.chromium->wire().listen(stage.page, [this](std::string_view method, std::string_view params) {
    if (method == "Page.screencastFrame") recorder->on_frame(json::parse(params)->get_object());
  });
  std::uintmax_t largest = 0;
  for (int i = 0; i < 50; ++i) {
    stage.evaluate("a.textContent = Math.random().toString().repeat(30)");
    stage.run_for(80);
    largest = std::max(largest, fs::file_size(path));
  }
  auto const video = finish();
  EXPECT_EQ(video.size, "640x360");
  EXPECT_LT(video.duration_s, 3.5);
  EXPECT_LE(fs::file_size(path), largest);
}

// The other end of a wire: what is sent to the browser can be read here.
class DeafBrowser {
 public:
  explicit DeafBrowser(BrowserThread& thread) {
    EXPECT_EQ(pipe2(commands_.data(), O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_EQ(pipe2(answers_.data(), O_CLOEXEC | O_NONBLOCK), 0);
    wire = std::make_unique<Wire>(thread.loop, thread.timers, commands_[1], answers_[0], [] {});
  }
  ~DeafBrowser() {
    wire.reset();
    close(commands_[0]);
    close(answers_[1]);
  }
  // How many commands of this method came since the last time.
  int count(std::string const& method) {
    std::array<char, 65536> buffer{};
    for (ssize_t got = 0; (got = read(commands_[0], buffer.data(), buffer.size())) > 0;)
      heard_.append(buffer.data(), static_cast<std::size_t>(got));
    int count = 0;
    for (std::size_t at = 0; (at = heard_.find("\"" + method + "\"", at)) != std::string::npos; ++at) ++count;
    return count;
  }
  void forget() { heard_.clear(); }

  std::unique_ptr<Wire> wire;

 private:
  std::array<int, 2> commands_{};
  std::array<int, 2> answers_{};
  std::string heard_;
};

class RecorderWithoutPage : public testing::Test {
 protected:
  Result<> begin(std::string program) {
    RecorderWorld world{*browser.wire, thread.loop, thread.timers, "page"};
    RecorderSetup setup;
    setup.path = path;
    setup.width = 64;
    setup.height = 36;
    setup.program = std::move(program);
    auto started = Recorder::start(std::move(world), std::move(setup));
    if (!started) return started.error();
    recorder = *std::move(started);
    return {};
  }
  static json::object frame(std::size_t bytes, std::int64_t cast) {
    std::string const jpeg(bytes, '\xD8');
    json::object event;
    event["data"] = base64_encode({reinterpret_cast<unsigned char const*>(jpeg.data()), jpeg.size()});
    event["sessionId"] = cast;
    return event;
  }
  void give_frame(std::size_t bytes = 10, std::int64_t cast = 1) { recorder->on_frame(frame(bytes, cast)); }

  Folder folder;
  std::string path = folder.file("video.webm");
  BrowserThread thread;
  DeafBrowser browser{thread};
  std::unique_ptr<Recorder> recorder;
};

TEST_F(RecorderWithoutPage, SaysWhatToInstallWhenThereIsNoFfmpeg) {
  auto const result = begin("/nowhere/ffmpeg");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::unavailable);
  EXPECT_TRUE(result.error().message.starts_with("recording needs ffmpeg: apt install ffmpeg"));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(browser.count("Page.startScreencast"), 0);
}

TEST_F(RecorderWithoutPage, SaysWhichFileCannotBeMade) {
  path = folder.file("missing/video.webm");
  auto const result = begin("ffmpeg");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::cannot_create);
}

TEST_F(RecorderWithoutPage, AnEncoderThatDiesCostsTheVideoAndSaysWhy) {
  ASSERT_TRUE(begin(folder.program("echo 'no codec today' >&2; exit 3")));
  thread.run_for(300);
  for (int i = 0; i < 20; ++i) give_frame(100'000);
  thread.run_for(100);
  EXPECT_EQ(browser.count("Page.stopScreencast"), 1);
  auto const result = thread.wait_for(recorder->finish());
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().message, "ffmpeg ended with exit code 3: no codec today");
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(RecorderWithoutPage, AnEncoderThatIsKilledWhileItFinishesCostsTheVideo) {
  ASSERT_TRUE(begin(folder.program("sleep 0.3; kill -9 $$")));
  give_frame();
  auto const result = thread.wait_for(recorder->finish());
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().message, "ffmpeg ended with SIGKILL");
}

TEST_F(RecorderWithoutPage, WithoutAFrameThereIsNoVideo) {
  ASSERT_TRUE(begin("ffmpeg"));
  auto const result = thread.wait_for(recorder->finish());
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().message, "the page gave no picture");
  EXPECT_FALSE(fs::exists(path));
}

long resident_kb() {
  std::ifstream file("/proc/self/statm");
  long pages = 0;
  file >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE) / 1024;
}

TEST_F(RecorderWithoutPage, AnEncoderThatDoesNotReadCostsFramesAndNoMemory) {
  ASSERT_TRUE(begin(folder.program("exec sleep 60")));
  auto const event = frame(200'000, 1);
  for (int i = 0; i < 10; ++i) recorder->on_frame(event);
  auto const before = resident_kb();
  for (int i = 0; i < 100; ++i) recorder->on_frame(event);
  EXPECT_LT(resident_kb() - before, 2'000);
  recorder.reset();
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(RecorderWithoutPage, WhoeverWaitsForItIsToldWhenItIsGivenUp) {
  ASSERT_TRUE(begin(folder.program("exec sleep 60")));
  give_frame();
  auto const finished = recorder->finish();
  recorder.reset();
  auto const result = thread.wait_for(finished, 1000);
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, Code::ended);
}

TEST_F(RecorderWithoutPage, AcknowledgesFifteenFramesASecondHoweverFastTheyCome) {
  ASSERT_TRUE(begin(folder.program("exec cat > /dev/null")));
  for (int i = 0; i < 3; ++i) give_frame();
  thread.run_for(30);
  EXPECT_EQ(browser.count("Page.screencastFrameAck"), 1);
  thread.run_for(60);
  EXPECT_EQ(browser.count("Page.screencastFrameAck"), 2);
}

TEST_F(RecorderWithoutPage, AsksAgainForAFrameThatMayNotHaveBeenMade) {
  ASSERT_TRUE(begin(folder.program("exec cat > /dev/null")));
  thread.run_for(10);
  for (int i = 0; i < 3; ++i) give_frame();
  thread.run_for(400);
  EXPECT_EQ(browser.count("Page.screencastFrameAck"), 3);
  EXPECT_EQ(browser.count("Page.startScreencast"), 2);
  browser.forget();
  give_frame(10, 2);
  thread.run_for(300);
  EXPECT_EQ(browser.count("Page.screencastFrameAck"), 1);
  EXPECT_EQ(browser.count("Page.startScreencast"), 0);
}

TEST_F(RecorderWithoutPage, SaysNothingOverTheWireOnceThePageIsLeft) {
  ASSERT_TRUE(begin(folder.program("exec cat > /dev/null")));
  thread.run_for(10);
  browser.forget();
  for (int i = 0; i < 3; ++i) give_frame();
  recorder->leave_page();
  give_frame();
  thread.run_for(200);
  EXPECT_EQ(browser.count("Page.screencastFrameAck") + browser.count("Page.stopScreencast"), 0);
}

// When each picture of a stream is shown, in ms.
std::vector<std::uint64_t> times_of(std::string const& stream) {
  std::vector<std::uint64_t> times;
  std::string const cluster = "\x1F\x43\xB6\x75";
  for (std::size_t at = 0; (at = stream.find(cluster, at)) != std::string::npos; ++at) {
    std::uint64_t time = 0;
    for (std::size_t i = 13; i < 21; ++i) time = time << 8U | static_cast<unsigned char>(stream.at(at + i));
    times.push_back(time);
  }
  return times;
}

TEST_F(RecorderWithoutPage, FramesAreShownWhenTheyWereMadeNotWhenTheyCame) {
  auto const kept = folder.file("stream");
  ASSERT_TRUE(begin(folder.program("exec cat > " + kept)));
  for (auto const age_s : {0.9, 0.7, 0.4}) {
    auto event = frame(10, 1);
    json::object metadata;
    metadata["timestamp"] = static_cast<double>(Clock().now().utc_us) / 1e6 - age_s;
    event["metadata"] = metadata;
    recorder->on_frame(event);
  }
  thread.wait_for(recorder->finish());
  std::ifstream file(kept, std::ios::binary);
  auto const times = times_of({std::istreambuf_iterator<char>(file), {}});
  ASSERT_EQ(times.size(), 4U);
  EXPECT_EQ(times[0], 0U);
  EXPECT_NEAR(static_cast<double>(times[1]), 200, 20);
  EXPECT_NEAR(static_cast<double>(times[2]), 500, 20);
  EXPECT_NEAR(static_cast<double>(times[3]), 900, 40);
}

TEST_F(RecorderWithoutPage, FramesThatMakeNoSenseAreLeftOut) {
  ASSERT_TRUE(begin(folder.program("exec cat > /dev/null")));
  recorder->on_frame({});
  json::object event;
  event["sessionId"] = 1;
  event["data"] = "not base64";
  recorder->on_frame(event);
  auto const result = thread.wait_for(recorder->finish());
  ASSERT_TRUE(result);
  EXPECT_FALSE(*result);
}

}  // namespace
}  // namespace sojourn
