# SPDX-License-Identifier: MIT
# Counts the cases of one test from its TAP: prints "passed failed skipped", and a line for each thing skipped.

/^ok / {
	seen++
	if (match($0, /# *[Ss][Kk][Ii][Pp]/)) {
		skipped++
		print "SKIP " name ": " substr($0, RSTART + RLENGTH + 1)
	} else {
		passed++
	}
}
/^not ok / { seen++; failed++ }
/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	planned = 1
	if (plan == 0) {
		skipped++
		print "SKIP " name ": " substr($0, index($0, "SKIP") + 5)
	}
}
END {
	# Cases that were announced and did not come, and a bad end after good cases, are failures too.
	if (!planned || seen != plan)
		failed += planned && plan > seen ? plan - seen : 1
	else if (status && !failed)
		failed++
	print passed + 0, failed + 0, skipped + 0
}
