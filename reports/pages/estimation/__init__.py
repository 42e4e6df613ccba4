"""The page of estimators beside what was measured."""
