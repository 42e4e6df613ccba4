"""What deserves a remark, a warning, or makes a run or a campaign invalid."""
