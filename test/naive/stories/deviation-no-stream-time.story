as long as stream time is not known an event has the record's own time
warm 0
e0 nnaann
want
2 opened deviation e0 #1 since 2 points 1 value 112 peak 112 at 2
