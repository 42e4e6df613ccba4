"""What a machine's own texts say about its state, and which of it would spoil a measurement: one module a part of the
machine, each a list of remarks. What a machine does not say is "not known", never guessed."""
