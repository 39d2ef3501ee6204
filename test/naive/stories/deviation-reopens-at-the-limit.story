reopen_within is reached in the 24th bin, and passed in the 25th
e0 annnnnnnnnnnnnnnnnnnnnnna
e1 annnnnnnnnnnnnnnnnnnnnnnna
e2 nnnnnnnnnnnnnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnnnnnnnnnnnnn
want
0 opened deviation e0 #1 since 0 points 1 value 112 peak 112 at 0
0+1 opened deviation e1 #2 since 0+1 points 1 value 112 peak 112 at 0+1
4 resolved deviation e0 #1 since 0 points 1 value 112 peak 112 at 0 until 4 recovered
4+1 resolved deviation e1 #2 since 0+1 points 1 value 112 peak 112 at 0+1 until 4+1 recovered
24 reopened deviation e0 #1 since 0 points 2 value 112 peak 112 at 0
25+1 opened deviation e1 #3 since 25+1 points 1 value 112 peak 112 at 25+1
