#!/bin/sh
# install.sh FILE DIRECTORY: installs the configuration FILE into DIRECTORY (below $DESTDIR). A file
# there that was changed stays, and the new one is written beside it as FILE.new.
set -eu

file=$1
target=${DESTDIR:-}$2/$(basename "$file")

mkdir -p "$(dirname "$target")"
if [ -e "$target" ] && ! cmp -s "$file" "$target"; then
  target=$target.new
fi
cp "$file" "$target"
chmod 644 "$target"
