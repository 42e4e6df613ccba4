"""View models: one per document. They know results and words; templates know neither arithmetic nor number formats."""
