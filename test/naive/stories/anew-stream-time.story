a state that begins anew knows neither stream time nor bins nor what could be reopened
set absence_after 2
e0 annnnnaannnn
e1 nnnnn.......
e2 nnnnnnnnnnnn
e3 nnnnnnnnnnnn
anew 6
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
4 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 recovered
6 opened deviation e0 #2 since 6 points 1 value 112 peak 112 at 6
11 resolved deviation e0 #2 since 6 points 2 value 112 peak 112 at 6 until 11 recovered
