#!/usr/bin/env bash
# Installs Java and Maven where they are missing and this may be done: on Debian and its kin, as root. Elsewhere says what to install.
set -euo pipefail

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1) || version=
missing=()
[ "${version:-0}" -ge 17 ] || missing+=(java)
command -v mvn >/dev/null 2>&1 || missing+=(mvn)
[ ${#missing[@]} -gt 0 ] || exit 0

advice='Java 17 or later and Maven are needed'
if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" != 0 ]; then
    echo "$advice: sudo $0" >&2
    exit 2
  fi
  apt-get update -qq
  packages=()
  for each in "${missing[@]}"; do
    if [ "$each" = mvn ]; then
      packages+=(maven)
      continue
    fi
    # Each release has one or two of them.
    package=default-jdk-headless
    for number in 25 21 17; do
      if apt-cache show "openjdk-$number-jdk-headless" >/dev/null 2>&1; then package=openjdk-$number-jdk-headless; fi
    done
    packages+=("$package")
  done
  echo "installing ${packages[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
  [ -z "${JAVA_HOME:-}" ] || echo "JAVA_HOME is $JAVA_HOME: unset it, or let it name the Java that was installed"
  exit 0
fi
if command -v dnf >/dev/null 2>&1; then
  echo "$advice: sudo dnf install java-21-openjdk-headless maven" >&2
elif command -v brew >/dev/null 2>&1; then
  echo "$advice: brew install openjdk@21 maven, and what brew says of the PATH" >&2
elif command -v winget >/dev/null 2>&1 || command -v winget.exe >/dev/null 2>&1; then
  echo "$advice: winget install EclipseAdoptium.Temurin.21.JDK, and Maven from https://maven.apache.org" >&2
else
  echo "$advice: install both (dnf: java-21-openjdk-headless maven; brew: openjdk@21 maven; winget: EclipseAdoptium.Temurin.21.JDK, and Maven from https://maven.apache.org)" >&2
fi
exit 2
