// A browser for tests, without pages: it remembers what it was asked, and answers when it is told to, or a turn later
// with what is in `outputs`.
// Invariant: nothing is called back but inside turn(); each call is answered once; a session that was closed has its
// calls answered with Code::ended. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/browser.h"

namespace sojourn {

class FakeBrowser final : public Browser {
 public:
  struct Call {
    FunctionCall call;
    Done done;
  };

  void listen(OnNews on_news, OnCheckpoint on_checkpoint) override {
    on_news_ = std::move(on_news);
    on_checkpoint_ = std::move(on_checkpoint);
  }
  std::size_t capacity() const override { return places; }
  void open(std::string const& session_id, BrowserWish wish) override {
    live.insert(session_id);
    opened.emplace_back(session_id, std::move(wish));
  }
  void resume(std::string const& session_id, std::string sealed) override {
    live.insert(session_id);
    resumed.emplace_back(session_id, std::move(sealed));
  }
  void save(std::function<void()> done) override { later(std::move(done)); }
  void call(FunctionCall call, Done done) override {
    called.push_back(call);
    if (!live.contains(call.session_id)) return later([done = std::move(done)] { done(gone()); });
    if (!answers_by_itself) {
      waiting.push_back({std::move(call), std::move(done)});
      return;
    }
    later([this, function = call.function, done = std::move(done)] { done(outputs[function]); });
  }
  void close(std::string const& session_id, Done done) override {
    closed.push_back(session_id);
    bool const was_there = live.erase(session_id) > 0;
    for (auto& each : waiting) {
      if (each.call.session_id == session_id) later([answer = std::move(each.done)] { answer(gone()); });
    }
    std::erase_if(waiting, [&](Call const& each) { return each.call.session_id == session_id; });
    if (!done) return;
    auto const output = was_there ? outputs[Function::close] : Result<std::string>(empty_close());
    if (answers_by_itself)
      later([done = std::move(done), output] { done(output); });
    else
      closing.emplace_back(session_id, std::move(done));
  }

  // What became due since the last one.
  void turn() {
    for (auto count = due_.size(); count > 0; --count) {
      auto const run = std::move(due_.front());
      due_.pop_front();
      run();
    }
  }
  // It ends with its server.
  void crash() {
    live.clear();
    waiting.clear();
    closing.clear();
    due_.clear();
  }
  // Answers the call that waits longest.
  void answer(Result<std::string> output) {
    auto first = std::move(waiting.front());
    waiting.pop_front();
    later([done = std::move(first.done), output = std::move(output)] { done(output); });
  }
  void finish_closing(Result<std::string> output) {
    auto first = std::move(closing.front());
    closing.pop_front();
    later([done = std::move(first.second), output = std::move(output)] { done(output); });
  }
  void tell(std::string session_id, std::string name, std::string data, bool is_end = false) {
    later([this, news = BrowserNews{std::move(session_id), std::move(name), std::move(data), is_end}] {
      if (news.is_end) live.erase(news.session_id);
      on_news_(news);
    });
  }

  void give_checkpoint(std::string session_id, std::string sealed) {
    later([this, checkpoint = BrowserCheckpoint{std::move(session_id), std::move(sealed)}] {
      on_checkpoint_(checkpoint);
    });
  }

  static std::string empty_close() { return R"({"success":true,"video":null})"; }
  static Error gone() { return error(Code::ended, "Session ended"); }

  std::size_t places = 4;
  bool answers_by_itself = true;
  std::map<Function, Result<std::string>> outputs{
      {Function::open, std::string(R"({"url":"http://site.test/","title":"Site","elements":[]})")},
      {Function::snapshot, std::string(R"({"url":"http://site.test/","title":"Site","elements":[]})")},
      {Function::interact, std::string(R"({"success":true,"action":"click","message":null})")},
      {Function::screenshot, std::string(R"({"screenshot":null,"width":1280,"height":720})")},
      {Function::execute, std::string(R"({"result":"2","error":null})")},
      {Function::close, empty_close()},
  };
  std::vector<std::pair<std::string, BrowserWish>> opened;
  std::vector<std::pair<std::string, std::string>> resumed;
  std::vector<FunctionCall> called;
  std::vector<std::string> closed;
  std::set<std::string> live;
  std::deque<Call> waiting;
  std::deque<std::pair<std::string, Done>> closing;

 private:
  void later(std::function<void()> run) { due_.push_back(std::move(run)); }

  OnNews on_news_;
  OnCheckpoint on_checkpoint_;
  std::deque<std::function<void()>> due_;
};

}  // namespace sojourn
