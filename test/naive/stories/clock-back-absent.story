after stream time has moved back each point returns an absent entity
set absence_after 1
e0 n...n.nn
e1 nnnnnnnn
e2 nnnnnnnn
e3 nnnnnnnn
skip 4 -500
want
2+1 opened absence e0 #1 since 1 points 1 usual 101
-494 resolved absence e0 #1 since 1 points 0 usual 101 until 1 returned
