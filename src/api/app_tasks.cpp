#include "api/app_tasks.h"

#include <utility>

namespace sojourn {
namespace {

// Whose it is: the holder of a session token sees what came of that token.
std::string to_owner(Principal const& principal) {
  return principal.grant ? "token:" + principal.grant->token_id : "user:" + principal.name;
}

std::size_t bytes_of(AppTask const& task) { return task.output.size() + task.error.size() + task.video.size(); }

}  // namespace

bool AppTasks::begin(Principal const& principal, AppTask task, std::int64_t now_us) {
  forget_old(now_us);
  if (running_.size() >= limits_.tasks) return false;
  while (running_.size() + over_.size() >= limits_.tasks) forget(over_.begin());
  auto const id = task.id;
  by_id_[id] = running_.insert(running_.end(), {std::move(task), to_owner(principal)});
  return true;
}

void AppTasks::finish(AppTask task) {
  auto const known = by_id_.find(task.id);
  if (known == by_id_.end() || known->second->task.finished_us != 0) return;
  auto const place = known->second;
  place->task = std::move(task);
  over_.splice(over_.end(), running_, place);
  bytes_ += bytes_of(place->task);
  while (bytes_ > limits_.bytes && over_.size() > 1) forget(over_.begin());
}

AppTask const* AppTasks::find(Principal const& principal, std::string_view id, std::int64_t now_us) {
  forget_old(now_us);
  auto const known = by_id_.find(std::string(id));
  if (known == by_id_.end()) return nullptr;
  auto const& entry = *known->second;
  return principal.is_admin() || entry.owner == to_owner(principal) ? &entry.task : nullptr;
}

void AppTasks::forget(Entries::iterator place) {
  bytes_ -= bytes_of(place->task);
  by_id_.erase(place->task.id);
  over_.erase(place);
}

void AppTasks::forget_old(std::int64_t now_us) {
  while (!over_.empty() && over_.front().task.finished_us + limits_.keep_us <= now_us) forget(over_.begin());
}

}  // namespace sojourn
