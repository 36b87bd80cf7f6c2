#!/usr/bin/env bash
# Installs PostgreSQL's programs where they are missing and this may be done: on Debian and its kin, as root. Elsewhere says what to install.
set -euo pipefail

if command -v initdb >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo 'installing postgresql'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql
  exit 0
fi
echo 'PostgreSQL is missing: install the package "postgresql" ("postgresql-server" on Fedora, "postgresql@17" with Homebrew), 14 or later, with initdb on the PATH' >&2
exit 2
