// Where a server keeps its sessions, as the configuration says, and the commands that copy, check and bring back what
// was kept. Thread: the caller's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/config.h"
#include "app/question.h"
#include "app/terminal.h"
#include "core/store.h"

namespace sojourn {

// The file of a data folder.
[[nodiscard]] std::string store_file(std::string const& folder);

// `post` runs a function on the loop's thread in a later iteration; from any thread. Errors as of SqliteStore::open.
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(Config const& config,
                                                        std::function<void(std::function<void()>)> post);

struct StorageCommand {
  std::string file;  // of the backup
};

// A copy of what is kept, made while a server runs or not. Code::conflict when the file is there already.
[[nodiscard]] Result<> run_backup(Target const& target, StorageCommand const& command, Terminal& terminal);
// Reads everything that is kept, or a backup. Code::damaged when something is, with the places.
[[nodiscard]] Result<> run_verify(Target const& target, StorageCommand const& command, Terminal& terminal);
// Puts a backup in its place; what was there stays beside it. Code::unavailable while a server runs.
[[nodiscard]] Result<> run_restore(Target const& target, StorageCommand const& command, Terminal& terminal);

}  // namespace sojourn
