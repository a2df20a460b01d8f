// The HTTP side of a peer: one request after the other, each answered before the next is looked at; what is pipelined
// waits, within limits. An error that leaves the framing in doubt is the last answer on the connection.
// The loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "codec/deflate.h"
#include "net/http.h"
#include "net/live.h"
#include "net/peer.h"

namespace sojourn {

class Exchange {
 public:
  explicit Exchange(Peer& peer);

  // Bytes came in.
  void take(std::string_view bytes);
  // The peer sends no more; what it has asked is still answered.
  void on_end();
  // All answers so far are with the kernel.
  void on_drained();
  // The deadline that was armed has passed.
  void on_timer();
  bool is_idle() const { return !busy_ && pending_.empty() && parser_.is_idle(); }
  // Whether somebody is still to say what the answer is, or the rest of it.
  bool is_answering() const { return busy_; }
  // The next answer is the last.
  void drain();

  void answer(Response response);
  // More of the answer of that number; false when it is over. An empty piece changes nothing.
  bool add(std::uint32_t answer, Piece piece);
  // Whether an answer is under way that nobody knows the length of.
  bool is_open() const { return open_; }
  void welcome(Result<Opened> opened);

 private:
  void advance(std::string_view input);
  void end_if_done();
  void end();
  bool may_advance() const;
  void dispatch();
  void fill();
  void start_upgrade();
  void conclude();
  void log_answer(int status);
  void start_live(std::unique_ptr<Live> live, Framing framing);
  void refuse(HttpFailure failure);
  void arm(std::int64_t within_ms);

  Peer& peer_;
  HttpParser parser_;
  Request request_;
  std::string pending_;       // came while a request is being answered, or while nobody reads our answers
  std::uint32_t number_ = 0;  // of the request that is being answered
  bool busy_ = false;         // a request waits for its answer, or for the rest of it
  bool open_ = false;         // for the rest
  bool chunked_ = false;      // which comes in chunks
  bool advancing_ = false;    // advance() is on the stack
  bool last_ = false;         // this answer ends the connection
  bool ended_ = false;        // the peer sends no more
  websocket::Agreement agreement_;
};

}  // namespace sojourn
