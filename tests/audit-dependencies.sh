#!/bin/sh
# Looks the pinned versions up in the advisory database. Where that cannot be reached it says so: no answer is no "clean".
# Usage: tests/audit-dependencies.sh FOLDER_OF_PIP_AUDIT
set -u
report=$(mktemp)
trap 'rm -f "$report"' EXIT
timeout 120 "$1/pip-audit" --require-hashes --disable-pip -r requirements/full.txt --progress-spinner off >"$report" 2>&1
status=$?
unknown=$(grep -c "could not be audited" "$report")
if [ "$status" -eq 0 ] && [ "$unknown" -gt 0 ]; then
    echo "pip-audit: $unknown dependencies are unknown to the advisory service that was reached; they were NOT audited." >&2
elif [ "$status" -eq 0 ]; then
    cat "$report"
elif grep -qE "ConnectionError|Max retries exceeded|NameResolutionError|Temporary failure|ReadTimeout|ProxyError|SSLError|403 Client Error|ServiceError|ConnectTimeout|timed out" "$report" || [ "$status" -eq 124 ]; then
    echo "pip-audit: the advisory database cannot be reached from here; the dependencies were NOT audited." >&2
else
    cat "$report" >&2
    exit 1
fi
