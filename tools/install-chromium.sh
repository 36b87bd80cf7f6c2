#!/usr/bin/env bash
# Installs Chromium where it is missing and this may be done: on Debian, as root. Elsewhere says what to install.
set -euo pipefail

if [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1; then
  exit 0
fi
# Ubuntu's package is a snap, which does not run in a container.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && grep -qx 'ID=debian' /etc/os-release; then
  echo 'installing chromium'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
  exit 0
fi
echo 'Chromium is missing: install the package "chromium", or name the program of any Chromium or Chrome in CHROMIUM' >&2
exit 2
