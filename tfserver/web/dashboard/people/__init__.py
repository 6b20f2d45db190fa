"""The pages of people: the directory, groups, what is planned for terminals, enrolment, erasure, imports."""
