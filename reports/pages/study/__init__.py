"""View model of a study: its record -> answers, tables, figures, and what each of them rests on."""
