a row begins anew after reopen_within
set open_after 2
set absence_after 0
e0 a........................aa
e1 nnnnnnnnnnnnnnnnnnnnnnnnnnn
e2 nnnnnnnnnnnnnnnnnnnnnnnnnnn
e3 nnnnnnnnnnnnnnnnnnnnnnnnnnn
want
26 opened deviation e0 #1 since 25 points 2 value 112 peak 112 at 25
