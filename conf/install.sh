#!/bin/sh
# Installs the configuration FILE into DIRECTORY (below $DESTDIR). One that somebody has changed is
# theirs: it stays, and the new one is put beside it as FILE.new.
set -eu

file=$1
target=${DESTDIR:-}$2/$(basename "$file")

mkdir -p "$(dirname "$target")"
if [ -e "$target" ] && ! cmp -s "$file" "$target"; then
  target=$target.new
fi
cp "$file" "$target"
chmod 644 "$target"
