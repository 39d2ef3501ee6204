module made-up
