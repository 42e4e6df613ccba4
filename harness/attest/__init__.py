"""Who can say, beside the operator, what was measured and when: keys that sign seals, witnesses that are told heads.

Below the measuring: what signs is handed into `record.seal` as a callable, what tells a witness is told that there is a
new head, and neither costs a run where it fails. `receiver` runs at the witness, and imports nothing of ours.
"""
