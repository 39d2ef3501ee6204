late normal points count, and do not set its end back
e0 nnnnnna
after 6 e0 n at 1
after 6 e0 n at 2
after 6 e0 n at 3
after 6 e0 n at 4
e1 nnnnnnn
e2 nnnnnnn
e3 nnnnnnn
want
6 opened deviation e0 #1 since 6 points 1 value 112 peak 112 at 6
6+3 resolved deviation e0 #1 since 6 points 1 value 112 peak 112 at 6 until 6 recovered
