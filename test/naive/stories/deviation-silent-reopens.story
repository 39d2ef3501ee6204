after silence it reopens as after any other end
set absence_after 0
e0 a.....a
e1 nnnnnnn
e2 nnnnnnn
e3 nnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
5+1 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 silent
6 reopened deviation e0 #1 since 0 points 2 value 112 peak 112 at 0
