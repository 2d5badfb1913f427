# shellcheck shell=bash disable=SC2034
# The Python environments: outside the checkout, one per lock file and Python, shared by all checkouts.
# Source it after common.sh; then `python_environment` sets PYTHON and makes `worktab` importable from this checkout, and
# `anchor_environment` sets ANCHOR_PYTHON, which has anchorpy and the releases it takes.

# The first Python that is new enough, as an absolute path.
find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      "$name" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

# environment_name LOCK PYTHON: a folder name that changes with the packages asked for and with the interpreter that
# would run them.
environment_name() {
  {
    cat "$1" "$ROOT/scripts/lib/uv.lock"
    "$2" -c 'import sys; print(sys.version, sys.base_prefix)'
  } | sha256sum | cut -c1-16 | sed 's/^/venv-/'
}

# Scripts of a venv hold its path, so it is made in place; the file `complete` tells a whole one from an interrupted one.
make_environment() {
  local lock=$1 base=$2 venv=$3
  if [[ -f $venv/complete ]]; then
    return
  fi
  step "Making the Python environment (once, about a minute)"
  rm -rf "$venv"
  "$base" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$ROOT/scripts/lib/uv.lock"
  "$venv/bin/uv" pip install --quiet --no-config --python "$venv/bin/python" --require-hashes -r "$lock"
  touch "$venv/complete"
}

# environment VARIABLE LOCK: sets VARIABLE to the Python of a lock file's environment, which it makes where it is missing.
environment() {
  local variable=$1 lock=$2 base venv
  if ! base=$(find_python); then
    debian_packages "Python 3.11 or newer" python3 python3-venv
    base=$(find_python) || die "Python 3.11 or newer is needed, and the system's is older"
  fi
  "$base" -c 'import ensurepip, venv' 2>/dev/null || debian_packages "Python's venv module" python3-venv
  # uv brings its own list of certificate authorities; the system's also knows those of the local network.
  if [[ -z ${SSL_CERT_FILE:-} && -f /etc/ssl/certs/ca-certificates.crt ]]; then
    export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
  fi
  venv=$CACHE/$(environment_name "$lock" "$base")
  [[ -f $venv/complete ]] || once "$(basename "$venv")" make_environment "$lock" "$base" "$venv"
  printf -v "$variable" %s "$venv/bin/python"
  export PYTHONPATH=$ROOT/sdk PYTHONNOUSERSITE=1
  # Whatever the caller's shell says: without bytecode each of a thousand processes compiles every package again.
  unset PYTHONDONTWRITEBYTECODE
}

python_environment() {
  environment PYTHON "$ROOT/requirements.lock"
}

anchor_environment() {
  environment ANCHOR_PYTHON "$ROOT/requirements-anchor.lock"
}
