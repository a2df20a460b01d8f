#!/usr/bin/env bash
# Tests session tracking: connects to a new session or an existing one and tries what a session can do, step by step.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

usage() {
    cat <<'END'
Usage: ./websocket/test_session.sh [--session-id ID]

Connects to a session server, prints the session's id, and tests ping, contextual updates, the state and coming back.

  --session-id ID   connect to this session instead of a new one (also --session-id=ID)
  --help            this text

Environment:
  WS_SERVER_URL     the socket (default ws://localhost:8000/ws)
  API_SERVER_URL    the HTTP side (default http://localhost:8000); one of the two is enough
  SESSION_ID        the same as --session-id
  TOKEN             the token to use; without it one is fetched with
  SESSION_USER      a name and
  SESSION_PASSWORD  a password (default: user and password, the demo account of a server in local mode)

The exit code is 0 when every step worked, and 1 otherwise.
END
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

session_id=${SESSION_ID:-}
while (($# > 0)); do
    case $1 in
    --session-id)
        [[ -n ${2:-} ]] || fail '--session-id needs an id; --help shows how'
        session_id=$2
        shift
        ;;
    --session-id=?*) session_id=${1#*=} ;;
    --session-id=) fail '--session-id needs an id; --help shows how' ;;
    --help | -h)
        usage
        exit 0
        ;;
    *) fail "unknown option: $1; --help lists the options" ;;
    esac
    shift
done

# One address says enough: the other is the same host with the other scheme.
origin_of() { sed -E 's#^(ws|http)(s?)://([^/?]*).*#'"$2"'\2://\3#' <<<"$1"; }
[[ -z ${WS_SERVER_URL:-} || $WS_SERVER_URL =~ ^(ws|http)s?://[^/?]+ ]] || fail "WS_SERVER_URL is no address of a socket: $WS_SERVER_URL"
[[ -z ${API_SERVER_URL:-} || $API_SERVER_URL =~ ^https?://[^/?]+ ]] || fail "API_SERVER_URL is no web address: $API_SERVER_URL"
api_url=${API_SERVER_URL:-$(origin_of "${WS_SERVER_URL:-http://localhost:8000}" http)}
ws_url=${WS_SERVER_URL:-$(origin_of "$api_url" ws)/ws}

command -v node >/dev/null 2>&1 || fail 'node 18 or newer is needed: apt-get install nodejs npm'

printf 'Socket: %s\nAPI:    %s\n\n' "${ws_url%%\?*}" "$api_url"

# The password goes through standard input: arguments can be read by everyone on the machine.
fetch_token() {
    local answer status
    answer=$(printf '%s' "${SESSION_PASSWORD:-password}" | curl -sS --noproxy '*' --max-time 10 -w '\n%{http_code}' \
        --data-urlencode "username=${SESSION_USER:-user}" --data-urlencode 'password@-' "${api_url%/}/token" 2>&1) ||
        fail "no session server answers at $api_url; start one (build/release/sojourn serve --documented-ports), or name it in API_SERVER_URL"
    status=${answer##*$'\n'}
    [[ $status == 200 ]] || fail "$api_url gave no token to ${SESSION_USER:-user} (HTTP $status): ${answer%$'\n'*}; set TOKEN, or SESSION_USER and SESSION_PASSWORD"
    sed -nE 's/.*"access_token" *: *"([^"]+)".*/\1/p' <<<"$answer"
}

if [[ -n ${TOKEN:-} ]]; then
    token=$TOKEN
    printf 'ok    token: the one in TOKEN\n'
else
    token=$(fetch_token) || exit 1
    [[ -n $token ]] || fail "the answer of $api_url/token has no access_token"
    printf 'ok    token: %s signed in\n' "${SESSION_USER:-user}"
fi

WS_URL=$ws_url TOKEN=$token SESSION_ID=$session_id exec node "$here/try_session.mjs"
