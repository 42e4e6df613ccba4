"""The page of a qualification: what each software meter sees of the wall, and what that rests on."""
