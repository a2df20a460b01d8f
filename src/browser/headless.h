// Browsers of our own: the port of core/browser.h over Chromium processes. Everything that touches a browser happens
// on a thread of its own, which begins with the first session that is used, so that a page of megabytes holds nobody
// up. Called on the hub's thread; what it tells is told there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/loop.h"
#include "base/mailbox.h"
#include "browser/settings.h"
#include "core/browser.h"

namespace sojourn {

class Headless : public Browser {
 public:
  // `loop` is the hub's and outlives it. What earlier browsers of the same data folder left is cleared away.
  Headless(Loop& loop, BrowserSettings settings);
  // Ends every session and browser, and waits for that.
  ~Headless() override;

  // Where the server can be reached, known before the first session.
  void know(std::string url, std::vector<int> own_ports);

  void listen(OnNews on_news, OnCheckpoint on_checkpoint) override {
    on_news_ = std::move(on_news);
    on_checkpoint_ = std::move(on_checkpoint);
  }
  std::size_t capacity() const override;
  void open(std::string const& session_id, BrowserWish wish) override;
  void resume(std::string const& session_id, std::string sealed) override;
  void save(std::function<void()> done) override;
  void call(FunctionCall call, Done done) override;
  void close(std::string const& session_id, Done done) override;

 private:
  struct Room;

  void begin();
  Done bring_back(Done done);

  BrowserSettings settings_;
  OnNews on_news_;
  OnCheckpoint on_checkpoint_;
  std::map<std::string, std::string> dormant_;  // sessions of before that nobody has called, with their checkpoints
  std::size_t live_ = 0;                        // the others
  Mailbox back_;                                // to the hub's thread
  std::unique_ptr<Room> room_;                  // of the browser thread; null until the first session
  std::thread thread_;
};

}  // namespace sojourn
