#pragma once
// Where the Socket.IO client's files are, which pages load from the server.
// Thread: any; only looks.

#include <string>

namespace sojourn {

// `configured`, if it is not empty; else the first folder around that of the executable which has the client: a source
// tree's node_modules, then where it is installed. Empty when there is none.
[[nodiscard]] std::string find_client_folder(std::string const& configured, std::string const& executable_folder);

// The folder of this program; empty when the kernel does not tell.
[[nodiscard]] std::string executable_folder();

}  // namespace sojourn
