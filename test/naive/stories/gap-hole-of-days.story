after a hole of more than a day eight records have to confirm stream time
e0 nnnnnn
e1 nnnnnn
e2 nnnnnn
e3 nnnnnn
skip 2 400
want
403+3 opened gap #1 since 2 points 1 usual 4 low 2 value 0
404 resolved gap #1 since 2 points 401 usual 4 low 2 value 0 until 403 filled
