without a point in clear_after whole bins it is silent
set absence_after 0
e0 na.....
e1 nnnnnnn
e2 nnnnnnn
e3 nnnnnnn
want
1 opened deviation e0 #1 since 1 points 1 value 112 peak 112 at 1
6+1 resolved deviation e0 #1 since 1 points 1 value 112 peak 112 at 1 until 5 silent
