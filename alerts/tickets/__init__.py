"""Tickets (electronic work orders): their kinds, what people do with them, and what alerts do with them by themselves."""
