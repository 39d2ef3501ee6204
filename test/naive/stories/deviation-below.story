the peak's sign is the direction; an update may turn it
e0 bbA
e1 nnn
e2 nnn
e3 nnn
want
0 opened deviation e0 #1 since 0 points 1 value 88 peak 88 at 0
2 updated deviation e0 #1 since 0 points 3 value 118 peak 118 at 2
