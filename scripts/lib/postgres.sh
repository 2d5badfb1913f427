# shellcheck shell=bash
# PostgreSQL for the tests, from Debian. Source it after common.sh.

# postgres_server: sees that the server's programs are there; the tests start it by themselves.
postgres_server() {
  local found
  for found in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
    [[ -x $found ]] && return
  done
  debian_packages "PostgreSQL" postgresql
}
