"""The raw seam: documents, run folders, the campaign's chained log. All that reports import of harness; no wire."""
