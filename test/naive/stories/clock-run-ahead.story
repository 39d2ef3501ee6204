a run of eight outliers of half of the entities moves stream time, and all between is a gap
e0 nnnn
e1 nnnn
e2 nnnn
e3 nnnn
after 1 e0 n at 300
after 1 e1 n at 300
after 1 e0 n at 301
after 1 e1 n at 301
after 1 e0 n at 302
after 1 e1 n at 302
after 1 e0 n at 303
after 1 e1 n at 303
skip 2 302
want
303 opened gap #1 since 2 points 1 usual 4 low 2 value 0
304 resolved gap #1 since 2 points 301 usual 4 low 2 value 0 until 303 filled
