silence counts from the last point, also a normal one
set absence_after 0
e0 annn......
e1 nnnnnnnnnn
e2 nnnnnnnnnn
e3 nnnnnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
8+1 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 7 silent
