a run behind moves stream time back: bins begin anew, an open gap goes on
set absence_after 2
e0 nnnnnnnnnn
e1 nn..nnnnnn
e2 nn..nnnnnn
e3 nn..nnnnnn
skip 4 -500
want
3 opened gap #1 since 2 points 1 usual 4 low 2 value 1
-494 resolved gap #1 since 2 points 1 usual 4 low 2 value 1 until 2 filled
