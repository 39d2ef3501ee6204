a deviation stays open when stream time moves back
set absence_after 0
e0 na......nnnn
e1 nnnnnnnnnnnn
e2 nnnnnnnnnnnn
e3 nnnnnnnnnnnn
skip 2 -500
want
1 opened deviation e0 #1 since 1 points 1 value 112 peak 112 at 1
-489 resolved deviation e0 #1 since 1 points 1 value 112 peak 112 at 1 until 1 recovered
