bins of a gap count for the usual number, so a lasting loss becomes usual
e0 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
e1 nn
e2 nn
e3 nn
want
3 opened gap #1 since 2 points 1 usual 4 low 2 value 1
16 resolved gap #1 since 2 points 13 usual 4 low 2 value 1 until 15 filled
19 opened absence e1 #2 since 2 points 17 usual 101
19 opened absence e2 #3 since 2 points 17 usual 101
19 opened absence e3 #4 since 2 points 17 usual 101
