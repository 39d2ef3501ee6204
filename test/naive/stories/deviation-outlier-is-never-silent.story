a point of the far future keeps it from being silent, and resolved_at is not later than at
set absence_after 0
e0 a.......nnnn
after 0 e0 n at 35000
e1 nnnnnnnnnnnn
e2 nnnnnnnnnnnn
e3 nnnnnnnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
10 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 10 recovered
