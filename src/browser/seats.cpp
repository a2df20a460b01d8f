#include "browser/seats.h"

#include <algorithm>
#include <utility>

#include "browser/params.h"

namespace sojourn {
namespace {

// A function that should have ended by itself gets so much more before its page is taken for hung.
constexpr std::int64_t grace_us = 2'000'000;
constexpr std::size_t waiting_max = 100;
constexpr std::int64_t sweep_s_max = 60;
// A server before may have given numbers to elements that its last checkpoint does not know of.
constexpr std::int64_t refs_between = 100'000;

std::int64_t now_us() { return Clock().now().steady_us; }

Error ended() { return error(Code::ended, "Session ended"); }

// A context keeps its proxy and its browser, so nobody is to believe that it has got another.
Result<> check_fixed(BrowserWish const& wish, json::object const& input) {
  auto const refuse = [](std::string_view what) {
    return error(Code::unprocessable, std::string(what) + ": a session keeps what it was begun with; begin another");
  };
  auto const proxy = json::find_string(input, "proxy_url");
  if (!proxy.empty() && proxy != wish.proxy_url) return refuse("proxy_url");
  if (json::find_string(input, "isolation") == "process" && !wish.is_alone) return refuse("isolation");
  if (json::find_string(input, "browser") == "full" && !wish.is_full) return refuse("browser");
  return {};
}

}  // namespace

Seats::Seats(Loop& loop, Timers& timers, BrowserSettings const& settings, Listener listener)
    : loop_(loop),
      timers_(timers),
      settings_(settings),
      listener_(std::move(listener)),
      files_(settings),
      fleet_(loop, timers, settings) {
  files_.sweep_leftovers(Clock().now().utc_us);
  sweep();
}

Seats::~Seats() {
  timers_.cancel(sweep_timer_);
  for (auto& [id, seat] : std::exchange(seats_, {})) {
    empty(seat, error(Code::unavailable, "the server is shutting down"));
    if (seat->berth) seat->berth->page->give_up();
  }
}

SeatRef Seats::add(std::string const& session_id, Checkpoint checkpoint) {
  auto const seat = std::make_shared<Seat>();
  seat->id = session_id;
  AutosaveWorld const world{timers_, settings_, listener_.on_checkpoint};
  seat->autosave = std::make_shared<Autosave>(world, session_id, std::move(checkpoint));
  seats_[session_id] = seat;
  return seat;
}

void Seats::open(std::string const& session_id, BrowserWish wish) {
  Checkpoint checkpoint;
  checkpoint.wish = std::move(wish);
  auto const seat = add(session_id, std::move(checkpoint));
  seat->autosave->tell();
  make(seat);
}

void Seats::resume(std::string const& session_id, std::string const& sealed) {
  auto const text = unseal(settings_.seal_key, session_id, sealed);
  auto checkpoint = text ? read_checkpoint(*text) : Result<Checkpoint>(text.error());
  if (checkpoint) checkpoint->last_ref += refs_between;
  auto const seat = add(session_id, checkpoint ? *checkpoint : Checkpoint());
  seat->is_of_before = true;
  if (!checkpoint)
    seat->failure = error(Code::damaged, "this session can't be made again: " + checkpoint.error().message);
}

void Seats::save(std::function<void()> const& done) {
  auto const last = std::make_shared<std::size_t>(seats_.size() + 1);
  auto const count = [last, done] {
    if (--*last == 0) done();
  };
  for (auto const& [id, seat] : std::map(seats_)) seat->autosave->save(count);
  count();
}

// Without a recording a session works all the same; that there is none is told.
Task<Result<>> Seats::begin_recording(SeatRef seat) {
  auto const& page = seat->berth->page;
  auto const path = files_.place(seat->id, video_name);
  if (!path) {
    tell(seat->id, "not_recorded", only("reason", path.error().message));
    co_return path.error();
  }
  auto& browser = Fleet::browser_of(*seat->berth);
  RecorderWorld world{browser.wire(), loop_, timers_, page->cdp_session(), browser.account()};
  RecorderSetup setup;
  setup.path = *path;
  setup.width = page->width();
  setup.height = page->height();
  auto started = Recorder::start(std::move(world), std::move(setup));
  if (!started) {
    tell(seat->id, "not_recorded", only("reason", started.error().message));
    co_return started.error();
  }
  seat->recorder = *std::move(started);
  auto checkpoint = seat->checkpoint();
  checkpoint.wish.records_video = true;
  seat->autosave->put(std::move(checkpoint));
  page->listen("Page.screencastFrame", [weak = std::weak_ptr<Seat>(seat)](json::object const& frame) {
    auto const one = weak.lock();
    if (one && one->recorder) one->recorder->on_frame(frame);
  });
  co_return Result<>();
}

void Seats::call(FunctionCall call, Browser::Done done) {
  auto const place = seats_.find(call.session_id);
  if (place == seats_.end()) return done(ended());
  auto const seat = place->second;
  if (seat->waiting.size() >= waiting_max)
    return done(error(Code::too_many, "too many calls of this session wait; try again when one is done"));
  auto const job = std::make_shared<Job>();
  job->deadline_us = now_us() + call.timeout_us;
  job->call = std::move(call);
  job->done = std::move(done);
  job->guard = timers_.set(job->deadline_us + grace_us, [this, job, weak = std::weak_ptr<Seat>(seat)] {
    auto const one = weak.lock();
    if (!one) return;
    bool const is_running = one->running == job;
    if (is_running && one->berth) {
      json::object data;
      data["function"] = to_word(job->call.function);
      tell(one->id, "hung", std::move(data));
    }
    answer(*job, error(Code::timeout, "the page did not answer in time"));
  });
  seat->waiting.push_back(job);
  run_next(seat);
}

void Seats::run_next(SeatRef const& seat) {
  if (seat->is_lost() && !seat->running && !seat->waiting.empty()) {
    ++seat->rebuilds;
    return make(seat);
  }
  while (!seat->is_over && !seat->running && seat->may_run() && !seat->waiting.empty()) {
    auto const job = seat->waiting.front();
    seat->waiting.pop_front();
    if (!job->done) continue;  // its time was over
    if (seat->failure) {
      answer(*job, *seat->failure);
      if (std::exchange(seat->is_of_before, false)) fail(seat, "not_recovered", seat->failure->message);
      continue;
    }
    seat->running = job;
    ++running_;
    std::function<void(Result<json::object>)> done = [this, seat, job](Result<json::object> output) {
      finish(seat, *job, std::move(output));
      seat->running.reset();
      run_next(seat);
      if (--running_ == 0) fleet_.use_pause();
    };
    start(work(seat, job), std::move(done));
  }
}

void Seats::finish(SeatRef const& seat, Job& job, Result<json::object> output) {
  if (job.call.function != Function::screenshot) seat->autosave->touch();
  if (!output) return answer(job, output.error());
  seat->rebuilds = 0;
  if (job.call.function == Function::open && !seat->checkpoint().is_open) {
    auto checkpoint = seat->checkpoint();  // until more is read
    checkpoint.is_open = true;
    checkpoint.url = json::find_string(*output, "url");
    seat->autosave->put(std::move(checkpoint));
  }
  if (seat->lost && job.done) {
    (*output)["recovered"] = true;
    (*output)["lost"] = *std::exchange(seat->lost, std::nullopt);
  }
  answer(job, json::to_text(*output));
}

Task<Result<json::object>> Seats::work(SeatRef seat, std::shared_ptr<Job> job) {
  auto const berth = seat->berth;
  if (job->call.function == Function::open) CO_CHECK(check_fixed(seat->checkpoint().wish, job->call.input));
  bool const wants_video = job->call.function == Function::open && job->call.input.contains("record_video") &&
                           job->call.input.at("record_video") == json::value(true);
  if (wants_video && !seat->recorder) co_await begin_recording(seat);
  auto input = job->call.input;
  auto output = co_await berth->page->call(job->call.function, std::move(input), job->deadline_us);
  bool const is_lost = job->call.function == Function::open && berth->page->has_crashed();
  if (output || !is_lost || seat->is_over || seat->failure) co_return output;
  // A page that no address brings back gives way to another; a video ends with what it showed.
  if (seat->recorder) seat->recorder->leave_page();
  auto wish = seat->checkpoint().wish;
  auto renewed = co_await fleet_.renew(*berth, std::move(wish));
  if (!renewed) co_return renewed.error();
  auto moved = co_await move_in(seat, *std::move(renewed));
  if (!moved) co_return moved.error();
  auto again = job->call.input;
  auto second = co_await seat->berth->page->call(Function::open, std::move(again), job->deadline_us);
  co_return second;
}

void Seats::answer(Job& job, Result<std::string> result) {
  timers_.cancel(std::exchange(job.guard, 0));
  if (auto const done = std::exchange(job.done, {})) done(std::move(result));
}

void Seats::answer_all(SeatRef const& seat, Error const& why) {
  if (seat->running) answer(*seat->running, why);
  for (auto const& job : std::exchange(seat->waiting, {})) answer(*job, why);
}

void Seats::empty(SeatRef const& seat, Error const& why) {
  seat->is_over = true;
  seat->autosave->watch(nullptr);
  answer_all(seat, why);
  if (auto const page = seat->coming) page->give_up();
}

void Seats::close(std::string const& session_id, Browser::Done done) {
  auto const place = seats_.find(session_id);
  if (place == seats_.end()) {
    if (done) done(std::string("{\"success\":true,\"video\":null,\"output_meta\":null}"));
    return;
  }
  auto const seat = place->second;
  seats_.erase(place);
  empty(seat, ended());
  std::function<void(Result<json::object>)> on_end = [done = std::move(done)](Result<json::object> output) {
    if (done) done(json::to_text(*output));
  };
  start(end(seat), std::move(on_end));
}

// Its page goes at once; its video may take a moment.
Task<Result<json::object>> Seats::end(SeatRef seat) {
  auto const recorder = std::move(seat->recorder);
  Later<Result<>> finished;
  if (recorder)
    finished = recorder->finish();
  else
    finished.give(error(Code::not_found, "nothing was recorded"));
  if (seat->berth) {
    seat->berth->page->give_up();
    fleet_.give_back(*seat->berth);
  }
  co_await finished;
  json::object output;
  output["success"] = true;
  output["video"] = files_.hand_over(seat->id);
  output["output_meta"] = nullptr;
  files_.forget(seat->id, Clock().now().utc_us);
  co_return output;
}

// The browser is gone with all of its pages.
void Seats::on_browser_gone(SeatRef const& seat, std::string const& reason) {
  if (seat->is_over) return;
  auto const why = error(Code::crashed, "the browser crashed: " + reason);
  bool const ends = !settings_.recovers || seat->rebuilds >= rebuilds_max;
  if (ends) seat->failure = why;
  answer_all(seat, why);
  if (auto const berth = std::exchange(seat->berth, nullptr)) {
    auto checkpoint = seat->checkpoint();
    checkpoint.last_ref = std::max(checkpoint.last_ref, berth->page->last_ref());
    seat->autosave->watch(nullptr);
    if (settings_.recovers) seat->autosave->put(std::move(checkpoint));
    berth->page->give_up();
  }
  if (seat->recorder) seat->recorder->leave_page();
  if (ends) return fail(seat, "crashed", reason);
  tell(seat->id, "crashed", only("reason", reason));
}

// It ends by itself.
void Seats::fail(SeatRef const& seat, std::string name, std::string const& reason) {
  BrowserNews news;
  news.session_id = seat->id;
  news.name = std::move(name);
  news.data = json::to_text(only("reason", reason));
  news.is_end = true;
  listener_.on_news(std::move(news));
}

void Seats::tell(std::string const& session_id, std::string name, json::object data) {
  BrowserNews news;
  news.session_id = session_id;
  news.name = std::move(name);
  news.data = json::to_text(data);
  listener_.on_news(std::move(news));
}

void Seats::sweep() {
  files_.sweep(Clock().now().utc_us);
  auto const pause_s = std::clamp<std::int64_t>(settings_.video_retention_s, 1, sweep_s_max);
  sweep_timer_ = timers_.set(now_us() + pause_s * 1'000'000, [this] { sweep(); });
}

}  // namespace sojourn
