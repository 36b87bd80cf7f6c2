#!/usr/bin/env bash
# Packs a release: tools/release.sh FOLDER [--draft]
#
# Writes into the folder the package (infakt-kafka-VERSION.tgz), the list of all that it brings (CycloneDX, by npm sbom) and their checksums.
# Without --draft it first looks whether this is a release: nothing uncommitted, and a chapter of the changelog for the version.
# It publishes nothing: npm publish FOLDER/infakt-kafka-VERSION.tgz does.
set -euo pipefail

folder=${1:?"Usage: tools/release.sh FOLDER [--draft]"}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."
version=$(node -p 'require("./package.json").version')

if [ "${2:-}" != --draft ]; then
  [ -z "$(git status --porcelain)" ] || { echo "tools/release.sh: expected nothing uncommitted, got changes" >&2; exit 1; }
  grep -qx "## $version" CHANGELOG.md || {
    echo "tools/release.sh: expected a chapter '## $version' in CHANGELOG.md, got none" >&2
    exit 1
  }
  npm run build
fi

name=$(npm pack --ignore-scripts --silent --pack-destination "$folder")

# From a copy that has nothing for development: npm sbom --omit dev also leaves out what both need.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/infakt-kafka"
cp package.json package-lock.json "$copy/infakt-kafka"
cd "$copy/infakt-kafka"
npm pkg delete devDependencies scripts
npm install --package-lock-only --ignore-scripts --prefer-offline --no-audit --no-fund --silent
npm sbom --sbom-format cyclonedx --package-lock-only >"$folder/infakt-kafka-$version.cdx.json"

cd "$folder"
sha256sum "$name" "infakt-kafka-$version.cdx.json" >"infakt-kafka-$version.sha256"
echo "$folder/$name"
