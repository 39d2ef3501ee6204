a point that is not scored is no silence, and counts for nothing else
set absence_after 0
e0 anunuunn
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
7 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 7 recovered
