"""Whether what flies is still what was loaded: storage scrubbed, known answers asked, engines renewed, sensors read."""
