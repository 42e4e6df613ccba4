"""What software trackers said beside what the meter measured."""
