"""Real faults on real processes (`make chaos`): kills at failpoints, broken links and disks, held against journals.

The faults are in `faults`, their choice by seed in `plan`, a run of one grid in `run`, and the sum of all runs in
`record`. `make proof ONLY=balancers` loses one process after the other, with the same load and the same judge.
"""
