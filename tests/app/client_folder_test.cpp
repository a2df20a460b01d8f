#include "app/client_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "app/temporary_folder.h"

namespace sojourn {
namespace {

class ClientFolder : public testing::Test {
 protected:
  void put(std::string const& folder) {
    std::filesystem::create_directories(folder_.path() + "/" + folder);
    folder_.write(folder + "/socket.io.js", "");
  }
  // Without the temporary folder's name.
  std::string find(std::string const& executable, std::string const& configured = {}) {
    std::filesystem::create_directories(folder_.path() + executable);
    auto const found = find_client_folder(configured, folder_.path() + executable);
    return found.starts_with(folder_.path()) ? found.substr(folder_.path().size()) : found;
  }

  test::TemporaryFolder folder_;
};

TEST_F(ClientFolder, IsTheSourceTreesOrTheInstalledOne) {
  EXPECT_EQ(find("/tree/build/release"), "");
  put("tree/share/sojourn/socket.io-client");
  EXPECT_EQ(find("/tree/bin"), "/tree/bin/../share/sojourn/socket.io-client");
  put("tree/share/sojourn/socket.io-client/dist");
  EXPECT_EQ(find("/tree/bin"), "/tree/bin/../share/sojourn/socket.io-client/dist");
  put("tree/node_modules/socket.io-client/dist");
  EXPECT_EQ(find("/tree/build/release"), "/tree/build/release/../../node_modules/socket.io-client/dist");
}

TEST_F(ClientFolder, IsTheOneThatIsConfiguredEvenIfNothingIsThere) { EXPECT_EQ(find("/bin", "/mine"), "/mine"); }

TEST(ExecutableFolder, HasThisProgram) {
  EXPECT_TRUE(std::filesystem::exists(executable_folder() + "/test_app")) << executable_folder();
  EXPECT_EQ(find_client_folder("", ""), "");
}

}  // namespace
}  // namespace sojourn
