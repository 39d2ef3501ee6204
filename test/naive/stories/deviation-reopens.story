an anomaly within reopen_within of the last one reopens it, with its id
e0 annnnna
e1 nnnnnnn
e2 nnnnnnn
e3 nnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
4 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 recovered
6 reopened deviation e0 #1 since 0 points 2 value 112 peak 112 at 0
