"""What the balancer learns of each substation's days: its history by the quarter hour, and the forecast of the next 24 h.

This folder places nothing and knows no session: it is handed readings, and answers with loads to come.
"""
