#include "browser/flags.h"

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace sojourn {
namespace {

constexpr std::uint64_t shared_bytes_min = std::uint64_t{1} << 30;

constexpr std::array<std::string_view, 32> usual{
    "--remote-debugging-pipe",
    "--headless=new",  // the shell knows nothing else and takes no notice
    "--no-startup-window",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-hang-monitor",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
    "--hide-scrollbars",
    "--mute-audio",
    // A page that nobody looks at works as fast as any other: to its agent it is the only one.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Without UDP past the proxy, WebRTC tells nobody the addresses of this machine.
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    // Pages see a mouse, which is what actions move.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
};

// The first three have a renderer of their own in each window, the next one has one in reserve: memory and time.
constexpr std::string_view disable_features = "--disable-features=";
constexpr std::string_view features_off =
    "WebUIReloadButton,WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess,"
    "Translate,MediaRouter,DialMediaRouteProvider,OptimizationHints,AutofillServerCommunication,HttpsUpgrades,"
    "CertificateTransparencyComponentUpdater,InterestFeedContentSuggestions,LensOverlay,PaintHolding";

}  // namespace

std::vector<std::string> chromium_flags(FlagWish const& wish) {
  std::vector<std::string> flags(usual.begin(), usual.end());
  flags.push_back("--user-data-dir=" + wish.profile);
  if (!wish.own_ports.empty()) {
    std::string rules;
    for (auto const port : wish.own_ports)
      rules.append(rules.empty() ? "" : ",").append("MAP *:").append(std::to_string(port)).append(" ~NOTFOUND");
    flags.push_back("--host-resolver-rules=" + rules);
  }
  if (wish.shared_bytes < shared_bytes_min) flags.emplace_back("--disable-dev-shm-usage");
  auto off = std::string(disable_features).append(features_off);
  for (auto const& flag : wish.more_flags) {
    if (flag.starts_with(disable_features))  // of two Chromium would take the last
      off.append(",").append(flag, disable_features.size());
    else
      flags.push_back(flag);
  }
  flags.push_back(std::move(off));
  return flags;
}

std::vector<std::string> chromium_environment(std::string const& profile) {
  std::vector<std::string> environment{"DBUS_SESSION_BUS_ADDRESS=disabled:", "DBUS_SYSTEM_BUS_ADDRESS=disabled:"};
  for (auto const* const name :
       {"HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"})
    environment.push_back(std::string(name) + "=" + profile);
  // How the machine reads time and text, finds libraries and reaches the network.
  for (auto const* const name :
       {"PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "http_proxy",
        "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
    if (auto const* const value = std::getenv(name); value != nullptr)  // nobody changes it
      environment.push_back(std::string(name) + "=" + value);
  return environment;
}

}  // namespace sojourn
