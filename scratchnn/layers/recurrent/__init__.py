"""Recurrent layers: a state that goes from each time step to the next."""
