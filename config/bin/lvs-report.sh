# Sums up the XML reports of a test run: sourced, in the root of the checkout.

# The value of attribute $2 in the text $1.
lvs_attribute() {
  lvs_value=${1#*" $2=\""}
  printf '%s' "${lvs_value%%\"*}"
}

# Prints a line for each test class and the closing sum; false if a test failed or was skipped, or if one of the
# whole-director tests is missing.
report_tests() {
  lvs_passed=0 lvs_failed=0 lvs_skipped=0 lvs_director=0
  for lvs_report in ./*/target/surefire-reports/TEST-*.xml ./*/target/failsafe-reports/TEST-*.xml; do
    [ -r "$lvs_report" ] || continue
    lvs_suite=$(tr '\n' ' ' <"$lvs_report" | grep -o '<testsuite [^>]*>' | head -n 1)
    lvs_t=$(lvs_attribute "$lvs_suite" tests)
    lvs_f=$(($(lvs_attribute "$lvs_suite" failures) + $(lvs_attribute "$lvs_suite" errors)))
    lvs_s=$(lvs_attribute "$lvs_suite" skipped)
    printf '%-72s %5d run %3d failed %3d skipped %8s s\n' "$(lvs_attribute "$lvs_suite" name)" \
      "$lvs_t" "$lvs_f" "$lvs_s" "$(lvs_attribute "$lvs_suite" time)"
    lvs_passed=$((lvs_passed + lvs_t - lvs_f - lvs_s))
    lvs_failed=$((lvs_failed + lvs_f))
    lvs_skipped=$((lvs_skipped + lvs_s))
    case $lvs_report in ./lvs-cli/target/failsafe-reports/*) lvs_director=$((lvs_director + lvs_t - lvs_s)) ;; esac
    [ "$lvs_f" = 0 ] || grep -B1 -E '<(failure|error)' "$lvs_report" | grep -o '<testcase [^>]*' | sed 's/^/  FAILED /'
    [ "$lvs_s" = 0 ] || grep -B1 '<skipped' "$lvs_report" | grep -o '<testcase [^>]*' | sed 's/^/  SKIPPED /'
  done
  [ "$lvs_director" -gt 0 ] || echo 'no whole-director test ran'
  [ "$lvs_skipped" = 0 ] || echo 'skipped tests: in CI everything must run'
  echo "$lvs_passed passed, $lvs_failed failed, $lvs_skipped skipped"
  [ "$lvs_failed" = 0 ] && [ "$lvs_skipped" = 0 ] && [ "$lvs_passed" -gt 0 ] && [ "$lvs_director" -gt 0 ]
}
