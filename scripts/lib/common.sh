# shellcheck shell=bash disable=SC2034
# Shared by every script: where things are, one line per step, Debian packages. Source it, do not run it.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-}
[[ $CACHE == /* ]] || CACHE=$HOME/.cache # a relative one does not count
CACHE+=/worktab

# One line that says what is being done. On stderr, so that a script's own output stays clean for pipes.
step() {
  printf '==> %s\n' "$*" >&2
}

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# debian_packages WHY PACKAGE..: installs them when root on a Debian system, else says what to install.
debian_packages() {
  local why=$1
  shift
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    die "$why is missing. On Debian or Ubuntu: sudo apt-get install $*"
  fi
  step "Installing $* ($why is missing)"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# once NAME FUNCTION [ARG..]: runs FUNCTION while no other process runs one under the same NAME.
once() {
  local name=$1
  shift
  mkdir -p "$CACHE"
  (
    flock 9
    "$@" 9>&-
  ) 9>"$CACHE/$name.lock"
}
