an anomaly lets the normal points be counted anew
e0 annnannnn
e1 nnnnnnnnn
e2 nnnnnnnnn
e3 nnnnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
8 resolved deviation e0 #1 since 0 points 2 value 112 peak 112 at 0 until 8 recovered
