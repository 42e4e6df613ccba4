"""The networks, data sets and training of Yarally's first study (chapter 3): a program of the SUT."""
