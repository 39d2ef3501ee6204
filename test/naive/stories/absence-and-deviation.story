an entity can be absent and have a deviation; returning comes before its anomaly
set absence_after 2
e0 na....a
e1 nnnnnnn
e2 nnnnnnn
e3 nnnnnnn
want
1 opened deviation e0 #1 since 1 points 1 value 112 peak 112 at 1
4+1 opened absence e0 #2 since 2 points 2 usual 101
6 resolved deviation e0 #1 since 1 points 1 value 112 peak 112 at 1 until 5 silent
6 resolved absence e0 #2 since 2 points 4 usual 101 until 6 returned
6 reopened deviation e0 #1 since 1 points 2 value 112 peak 112 at 1
