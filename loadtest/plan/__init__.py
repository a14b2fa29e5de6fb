"""The plan of a run: which cars arrive when and what each asks for, the presets, and the oracle that places it ideally."""
