# What the demonstrations share; they source it. AGENT names the program (default: this repository's build, then
# `sojourn`, then `infsh` of the PATH); it starts a server if none runs. Whatever begins here ends with the script.
# shellcheck shell=bash
set -euo pipefail
shopt -s inherit_errexit nullglob

folder=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
temp=$(mktemp -d)
site_pid=

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

for needed in jq python3; do
    command -v "$needed" >/dev/null 2>&1 || fail "$needed is needed: apt-get install $needed"
done
if [[ -z ${AGENT:-} ]]; then
    AGENT=$(cd -- "$folder/../.." && pwd -P)/build/release/sojourn
    [[ -x $AGENT ]] || AGENT=$(command -v sojourn || command -v infsh) || fail 'there is no sojourn; ./start builds it'
fi

# Every session that is opened is noted, so that it is closed whatever happens; closing twice does no harm.
finish() {
    local noted
    for noted in "$temp"/*.session; do
        agent close "$(basename "$noted" .session)" '{}' >/dev/null 2>&1 || true
    done
    [[ -z $site_pid ]] || kill "$site_pid" 2>/dev/null || true
    rm -rf "$temp"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# agent FUNCTION SESSION INPUT: what it answers, as JSON. An action that failed ends the script (or the subshell).
agent() {
    local answer
    answer=$("$AGENT" app run agent-browser --function "$1" --session "$2" --input "$3") || return
    if [[ $2 == new ]]; then : >"$temp/$(jq -r .session_id <<<"$answer").session"; fi
    if [[ $(jq -r '.success // true' <<<"$answer") == false ]]; then
        printf 'error: %s\n' "$(jq -r .message <<<"$answer")" >&2
        return 1
    fi
    printf '%s\n' "$answer"
}

# open URL: a new session; its answer is that of `open`, without the picture that nobody wants here.
open() { agent open new "$(jq -n --arg url "$1" '{url: $url, screenshot: false}')"; }

# ref_of TEXT < SNAPSHOT: the reference of what has this text.
ref_of() { jq -er --arg text "$1" 'first((.snapshot // .).elements[] | select(.text == $text or .name == $text)).ref'; }

# act SESSION ACTION REF [TEXT]: gives the answer, whose `snapshot` is what the page is now.
act() {
    agent interact "$1" "$(jq -n --arg action "$2" --arg ref "$3" --arg text "${4:-}" \
        '{action: $action, ref: $ref, screenshot: false} + if $text == "" then {} else {text: $text} end')"
}

# serve_pages COUNT: sets `sites` to the addresses of that many demonstration sites.
serve_pages() {
    mkfifo "$temp/sites"
    python3 "$folder/site.py" --sites "$1" >"$temp/sites" &
    site_pid=$!
    read -r -a sites <"$temp/sites"
    export sites
}

now_ms() { printf '%s\n' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }
