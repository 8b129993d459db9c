"""Networks at work: prepare, infer, train, measure."""

import os

# OpenMP's threads wait by spinning: beside any other busy process (the viewer, a second run) torch on two cores
# then took 6-40 s for what takes 4-5 s when they sleep instead, which costs 0.4 s on an idle machine (torch 2.13,
# libgomp). The library reads this once, when torch is first imported; a person's own setting stands.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
