#!/usr/bin/env bash
# docs/store.md is what store/schema.c says.
cd "$(dirname "$0")/../.." || exit 2
tests/lib/store-doc.sh | diff - docs/store.md || { echo "run: tests/lib/store-doc.sh > docs/store.md"; exit 1; }
