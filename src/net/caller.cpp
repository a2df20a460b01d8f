#include "net/caller.h"

#include <curl/curl.h>
#include <sys/eventfd.h>

#include <deque>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

constexpr long idle_connections_max = 16;

// The library's own preparations, which it counts.
struct Library {
  Library() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl does not start");
  }
  ~Library() { curl_global_cleanup(); }
  Library(Library const&) = delete;
  Library& operator=(Library const&) = delete;
};

}  // namespace

// All calls. One is waiting until it has a handle, then running until it is taken out.
class HttpCaller::Engine {
 public:
  Engine(Loop& loop, TimerWheel& wheel, CallerOptions options);
  ~Engine();
  Engine(Engine const&) = delete;
  Engine& operator=(Engine const&) = delete;

  void add_own_port(std::uint16_t port) { options_.rules.own_ports.insert(port); }
  CallId add(Call call, OnPiece on_piece, Done done);
  void cancel(CallId id);

 private:
  struct Outgoing {
    Outgoing(Engine& e, CallId i, Call call) : engine(e), id(i), transfer(std::move(call), e.options_.rules) {}

    Engine& engine;
    CallId id;
    Transfer transfer;
    OnPiece on_piece = {};
    Done done = {};
    Timer deadline{[](void* self) { static_cast<Outgoing*>(self)->expire(); }, this};

    void expire() { engine.end(id, transfer.timed_out()); }
  };

  // What libcurl wants of the loop; `engine` is this.
  static int want_socket(CURL* handle, curl_socket_t fd, int what, void* engine, void* socket);
  static int want_timer(CURLM* multi, long timeout_ms, void* engine);

  Result<> admit(Transfer const& transfer) const;
  bool start(Outgoing& outgoing);
  void start_some();
  void fail_later(CallId id, Error why);
  std::unique_ptr<Outgoing> take(CallId id);
  void end(CallId id, Result<CallResult> result);
  void on_kick();
  void act(curl_socket_t fd, std::uint32_t events);
  void tell_pieces();
  void tell_ends();

  Library library_;
  Loop& loop_;
  TimerWheel& wheel_;
  CallerOptions options_;
  CURLM* multi_;
  std::unordered_map<int, Watch> sockets_;
  Timer timer_;  // libcurl's
  Watch kick_;   // wakes us in the next iteration, and ends with us as a posted function would not
  std::unordered_map<CallId, std::unique_ptr<Outgoing>> calls_;
  std::deque<CallId> waiting_;
  std::vector<CallId> with_pieces_;
  std::vector<std::pair<CallId, Error>> failed_;  // to be told in the next iteration
  std::size_t running_ = 0;
  CallId last_id_ = 0;
};

HttpCaller::Engine::Engine(Loop& loop, TimerWheel& wheel, CallerOptions options)
    : loop_(loop),
      wheel_(wheel),
      options_(std::move(options)),
      multi_(curl_multi_init()),
      timer_([](void* engine) { static_cast<Engine*>(engine)->act(CURL_SOCKET_TIMEOUT, 0); }, this),
      kick_(loop, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN, [this](std::uint32_t) { on_kick(); }) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Engine::want_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, static_cast<void*>(this));
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Engine::want_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, static_cast<void*>(this));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle_connections_max);
}

HttpCaller::Engine::~Engine() {
  while (!calls_.empty()) take(calls_.begin()->first);
  curl_multi_cleanup(multi_);
}

int HttpCaller::Engine::want_socket(CURL*, curl_socket_t fd, int what, void* engine, void*) {
  auto& self = *static_cast<Engine*>(engine);
  if (what == CURL_POLL_REMOVE) {
    self.sockets_.erase(fd);
    return 0;
  }
  std::uint32_t const events =
      ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  // No exception may pass through libcurl; a call whose socket can't be watched ends at its deadline.
  try {
    auto const on_ready = [&self, fd](std::uint32_t ready) { self.act(fd, ready); };
    auto const [place, is_new] = self.sockets_.try_emplace(fd, self.loop_, Borrowed{fd}, events, on_ready);
    if (!is_new) place->second.want(events);
  } catch (std::system_error const&) {
    return 0;
  }
  return 0;
}

int HttpCaller::Engine::want_timer(CURLM*, long timeout_ms, void* engine) {
  auto& self = *static_cast<Engine*>(engine);
  self.timer_.disarm();
  if (timeout_ms == 0) {
    eventfd_write(self.kick_.fd(), 1);
  } else if (timeout_ms > 0) {
    // By the time as it is now, not that of the iteration: libcurl does not repeat a timer that fired too early.
    self.wheel_.arm(self.timer_, Clock().now().steady_us + (timeout_ms + 1) * 1000);
  }
  return 0;
}

Result<> HttpCaller::Engine::admit(Transfer const& transfer) const {
  if (running_ >= options_.running_max && waiting_.size() >= options_.waiting_max)
    return error(Code::too_many, "too many calls wait for their turn; try again later");
  return transfer.check();
}

CallId HttpCaller::Engine::add(Call call, OnPiece on_piece, Done done) {
  auto const id = ++last_id_;
  auto& added = *calls_.emplace(id, std::make_unique<Outgoing>(*this, id, std::move(call))).first->second;
  added.on_piece = std::move(on_piece);
  added.done = std::move(done);
  if (auto const admitted = admit(added.transfer); !admitted) {
    fail_later(id, admitted.error());
  } else {
    wheel_.arm(added.deadline, loop_.now().steady_us + added.transfer.timeout_us());
    waiting_.push_back(id);
    start_some();
  }
  return id;
}

void HttpCaller::Engine::cancel(CallId id) {
  if (take(id)) start_some();
}

bool HttpCaller::Engine::start(Outgoing& outgoing) {
  std::function<void()> on_stream;
  if (outgoing.on_piece) on_stream = [this, id = outgoing.id] { with_pieces_.push_back(id); };
  auto* const handle = outgoing.transfer.open(std::move(on_stream));
  if (handle == nullptr) return false;
  ++running_;  // take() counts it back
  curl_easy_setopt(handle, CURLOPT_PRIVATE, static_cast<void*>(&outgoing));
  return curl_multi_add_handle(multi_, handle) == CURLM_OK;
}

void HttpCaller::Engine::start_some() {
  while (running_ < options_.running_max && !waiting_.empty()) {
    auto& next = *calls_.at(waiting_.front());
    waiting_.pop_front();
    if (!start(next))
      fail_later(next.id, error(Code::internal, "the call to " + next.transfer.place() + " can't be begun"));
  }
}

void HttpCaller::Engine::fail_later(CallId id, Error why) {
  failed_.emplace_back(id, std::move(why));
  eventfd_write(kick_.fd(), 1);
}

// Takes a call out of wherever it is: nothing of it is told afterwards.
std::unique_ptr<HttpCaller::Engine::Outgoing> HttpCaller::Engine::take(CallId id) {
  auto const place = calls_.find(id);
  if (place == calls_.end()) return nullptr;
  auto outgoing = std::move(place->second);
  calls_.erase(place);
  if (outgoing->transfer.handle() != nullptr) {
    curl_multi_remove_handle(multi_, outgoing->transfer.handle());
    --running_;
  } else {
    std::erase(waiting_, id);
  }
  return outgoing;
}

void HttpCaller::Engine::end(CallId id, Result<CallResult> result) {
  auto outgoing = take(id);
  if (!outgoing) return;
  auto const done = std::move(outgoing->done);
  outgoing.reset();
  start_some();
  done(std::move(result));
}

void HttpCaller::Engine::on_kick() {
  eventfd_t count = 0;
  eventfd_read(kick_.fd(), &count);
  for (auto& [id, why] : std::exchange(failed_, {})) end(id, std::move(why));
  act(CURL_SOCKET_TIMEOUT, 0);
}

// The watch that called it may be gone when libcurl returns.
void HttpCaller::Engine::act(curl_socket_t fd, std::uint32_t events) {
  // libcurl learns of an error by reading; if it were told, it would not read what came before.
  int const ready = ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? CURL_CSELECT_IN : 0) |
                    ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
  int running = 0;
  curl_multi_socket_action(multi_, fd, ready, &running);
  tell_pieces();
  tell_ends();
}

void HttpCaller::Engine::tell_pieces() {
  for (auto const id : std::exchange(with_pieces_, {})) {
    auto place = calls_.find(id);
    if (place == calls_.end()) continue;
    auto const piece = place->second->transfer.take_piece();
    if (piece.empty()) continue;
    auto on_piece = std::move(place->second->on_piece);  // it may cancel its own call
    on_piece(piece);
    place = calls_.find(id);
    if (place != calls_.end()) place->second->on_piece = std::move(on_piece);
  }
}

void HttpCaller::Engine::tell_ends() {
  std::vector<std::pair<CallId, int>> ended;
  int left = 0;
  while (auto const* message = curl_multi_info_read(multi_, &left)) {
    Outgoing const* outgoing = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &outgoing);
    ended.emplace_back(outgoing->id, message->data.result);
  }
  for (auto const& [id, code] : ended) {
    auto const place = calls_.find(id);
    if (place != calls_.end()) end(id, place->second->transfer.outcome(code));
  }
}

HttpCaller::HttpCaller(Loop& loop, TimerWheel& wheel, CallerOptions options)
    : engine_(std::make_unique<Engine>(loop, wheel, std::move(options))) {}

HttpCaller::~HttpCaller() = default;

void HttpCaller::add_own_port(std::uint16_t port) { engine_->add_own_port(port); }

CallId HttpCaller::call(Call call, OnPiece on_piece, Done done) {
  return engine_->add(std::move(call), std::move(on_piece), std::move(done));
}

void HttpCaller::cancel(CallId id) { engine_->cancel(id); }

}  // namespace sojourn
