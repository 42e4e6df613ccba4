"""The section on software trackers of a campaign's reports: its words, sentences, figures and tables."""
