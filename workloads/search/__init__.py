"""Search strategies: which parameters a trial is run with. They run on the workload generator, never on the SUT."""
