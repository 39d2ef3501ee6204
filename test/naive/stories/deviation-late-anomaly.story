a late anomaly counts for the episode at hand, and is its peak if it is larger
e0 nnnnnnan
after 7 e0 A at 2
e1 nnnnnnnnn
e2 nnnnnnnnn
e3 nnnnnnnnn
want
6 opened deviation e0 #1 since 6 points 1 value 112 peak 112 at 6
7+3 updated deviation e0 #1 since 6 points 2 value 118 peak 118 at 2
