a state that begins anew resolves what is open: the gap, deviations, absences, each in the order of keys
set absence_after 1
set clear_after 8
e9 n.....
e1 n.....
e7 na....
e2 na....
e5 nnnnnn
e6 nnn.nn
e8 nnn.nn
e3 nnn.nn
e4 nnn.nn
anew 5
want
1+2 opened deviation e7 #1 since 1+2 points 1 value 112 peak 112 at 1+2
1+3 opened deviation e2 #2 since 1+3 points 1 value 112 peak 112 at 1+3
2+4 opened absence e1 #3 since 1 points 1 usual 101
2+4 opened absence e9 #4 since 1 points 1 usual 101
3+4 opened absence e2 #5 since 2 points 1 usual 101
3+4 opened absence e7 #6 since 2 points 1 usual 101
4+4 opened gap #7 since 3 points 1 usual 9 low 5 value 1
4+8 resolved gap #7 since 3 points 1 usual 9 low 5 value 1 until 4+8 unknown
4+8 resolved deviation e2 #2 since 1+3 points 1 value 112 peak 112 at 1+3 until 4+8 unknown
4+8 resolved deviation e7 #1 since 1+2 points 1 value 112 peak 112 at 1+2 until 4+8 unknown
4+8 resolved absence e1 #3 since 1 points 3 usual 101 until 4+8 unknown
4+8 resolved absence e2 #5 since 2 points 2 usual 101 until 4+8 unknown
4+8 resolved absence e7 #6 since 2 points 2 usual 101 until 4+8 unknown
4+8 resolved absence e9 #4 since 1 points 3 usual 101 until 4+8 unknown
