"""A file of a tracker that ran in a campaign -> an attachment of that campaign."""
