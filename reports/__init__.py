"""The offline half: reads run folders, makes numbers (`analysis`) and pages of them. Touches no wire and no clock."""
