"""Units: what clients write in kW, kWh and minutes is computed in W, J and ms.

Pure.
"""

W_PER_KW = 1_000
MS_PER_S = 1_000
MS_PER_MINUTE = 60_000
J_PER_KWH = 3_600_000
