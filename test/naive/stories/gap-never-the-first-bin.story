the first bin of stream time is whole, even if no point counts in it
warm 0
e0 nnnnnnnnnn
after 6 e1 n at 7
skip 7 2
want
9 opened gap #1 since 8 points 1 value 0
10 resolved gap #1 since 8 points 1 value 0 until 9 filled
