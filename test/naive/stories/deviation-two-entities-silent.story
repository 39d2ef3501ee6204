deviations that are silent at once end in the order of keys
set absence_after 0
e9 na.....
e1 na.....
e5 na.....
e2 nnnnnnn
e3 nnnnnnn
e4 nnnnnnn
want
1 opened deviation e9 #1 since 1 points 1 value 112 peak 112 at 1
1+1 opened deviation e1 #2 since 1+1 points 1 value 112 peak 112 at 1+1
1+2 opened deviation e5 #3 since 1+2 points 1 value 112 peak 112 at 1+2
6+3 resolved deviation e1 #2 since 1+1 points 1 value 112 peak 112 at 1+1 until 5+1 silent
6+3 resolved deviation e5 #3 since 1+2 points 1 value 112 peak 112 at 1+2 until 5+2 silent
6+3 resolved deviation e9 #1 since 1 points 1 value 112 peak 112 at 1 until 5 silent
