// What a page's context keeps, read from it and put into a fresh one: cookies, and what the origins of its frames
// store. Reading runs beside whatever the page does. Putting it back takes the page to each origin and back to an empty
// page; every request on the way is answered here, and none leaves the browser. The browser thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "browser/checkpoint.h"
#include "browser/navigation.h"
#include "browser/tab.h"

namespace sojourn {

class Storage {
 public:
  static constexpr std::size_t frames_max = 20;  // of one page, each of another origin

  explicit Storage(Tab& tab) : tab_(tab) {}

  // The checkpoint with what is there now. Code::timeout where the page does not answer.
  Task<Result<Checkpoint>> read(Checkpoint known, std::int64_t deadline_us);

  // Into a page that nobody has seen yet. What could not be put back, as sentences.
  Task<Result<std::vector<std::string>>> write(Checkpoint checkpoint, std::int64_t deadline_us);

 private:
  using Lost = std::vector<std::string>;

  // The first frame of each origin, the page's own first.
  std::vector<std::string> frames_of_origins() const;
  Task<Result<json::object>> run_in(std::string frame_id, std::string word, json::value argument,
                                    std::int64_t deadline_us);
  Task<std::int64_t> count_refused(json::array cookies, std::int64_t deadline_us);
  Task<Lost> write_all(std::vector<OriginStorage> of_one_top, std::int64_t deadline_us);
  Task<Lost> write_one(OriginStorage storage, std::int64_t deadline_us);
  void answer_requests(std::string page);
  void let_requests_go();

  Tab& tab_;
  Navigation navigation_{tab_};
};

}  // namespace sojourn
