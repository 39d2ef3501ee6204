the last of the normal points decides between recovered and absorbed
e0 annnx
e1 axxxn
e2 nnnnn
e3 nnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
0+1 opened deviation e1 #2 since 0+1 points 1 value 112 peak 112 at 0+1
4 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 absorbed
4+1 resolved deviation e1 #2 since 0+1 points 1 value 112 peak 112 at 0+1 until 4+1 recovered
