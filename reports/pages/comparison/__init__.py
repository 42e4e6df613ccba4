"""View model of a comparison: its record -> statements, tables, figures, and what each of them rests on."""
