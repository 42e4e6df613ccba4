"""Services that a population uses: five classifiers of pictures behind a queue with batching policies (Yarally, chapter
4), and a small language model whose tokens are counted."""
