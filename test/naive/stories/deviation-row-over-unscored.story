neither a point that is not scored nor a bin without a point breaks a row
set open_after 2
e0 aua
e1 a.a
e2 nnn
e3 nnn
want
2 opened deviation e0 #1 since 0 points 2 value 112 peak 112 at 0
2+1 opened deviation e1 #2 since 0+1 points 2 value 112 peak 112 at 0+1
