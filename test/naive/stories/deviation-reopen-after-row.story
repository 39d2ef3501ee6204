reopening needs one anomaly, whatever open_after is
set open_after 2
e0 aannnnna
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
want
1 opened deviation e0 #1 since 0 points 2 value 112 peak 112 at 0
5 resolved deviation e0 #1 since 0 points 2 value 112 peak 112 at 0 until 5 recovered
7 reopened deviation e0 #1 since 0 points 3 value 112 peak 112 at 0
