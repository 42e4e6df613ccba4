"""What makes a campaign evidence for a stranger: statement, annotations, independent verification, package.

`statement` is what is signed. `verification` checks a campaign; `verifier` any derived document, which `derived`
writes.
`annotations` appends to the operator's chained log. `bag` packs a campaign and unpacks it against hostile files.
Stands above `reports`, because it recomputes.
"""
